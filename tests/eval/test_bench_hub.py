"""One sampler for many problems: everybody gets his own samples, all of them, and nobody else's trouble."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from eval.bench.hub import Hub
from solver.samplers import Request, Sample, SamplerFailed


def requests(count: int, n: int = 2) -> Iterator[Request]:
    return iter([Request(i, ({"role": "user", "content": "?"},), "p", "python", 1.0, 0, n, 16) for i in range(count)])


def sample(request: Request, choice: int) -> Sample:
    return Sample(request.index, choice, "text", "m", "p", "python", 1.0, 0, 1, 1, None, "stop")


class Scripted:
    """Answers a request at a time, in order; `fail_at` counts requests."""

    model, replays = "m", False

    def __init__(self, fail_at: int | None = None) -> None:
        self.asked: list[int] = []
        self.streams = 0
        self.closed = False
        self._fail_at = fail_at

    async def stream(self, wanted: Iterator[Request]) -> AsyncIterator[Sample]:
        self.streams += 1
        for request in wanted:
            if self._fail_at == len(self.asked):
                raise SamplerFailed("the model died")
            self.asked.append(request.index)
            for choice in range(request.n):
                await asyncio.sleep(0)
                yield sample(request, choice)

    async def close(self) -> None:
        self.closed = True


def hub_of(sampler: Scripted) -> Hub:
    async def open_sampler() -> Scripted:
        return sampler

    return Hub(open_sampler)


async def take(hub: Hub, count: int, stop_after: int | None = None) -> list[tuple[int, int]]:
    view, got = await hub.view(), []
    stream = view.stream(requests(count))
    async for found in stream:
        got.append((found.request, found.choice))
        if len(got) == stop_after:
            break
    await stream.aclose()
    return got


async def test_each_problem_gets_the_samples_of_its_own_requests_under_its_own_numbers() -> None:
    hub = hub_of(Scripted())
    async with asyncio.timeout(5):
        results = await asyncio.gather(*(take(hub, count) for count in (1, 3, 2)))
    assert [sorted(r) for r in results] == [[(i, c) for i in range(n) for c in range(2)] for n in (1, 3, 2)]
    await hub.close()


async def test_a_problem_that_comes_when_all_others_are_done_is_served_too() -> None:
    sampler = Scripted()
    hub = hub_of(sampler)
    async with asyncio.timeout(5):
        assert len(await take(hub, 2)) == 4
        await asyncio.sleep(0.01)
        assert len(await take(hub, 2)) == 4
    assert sampler.streams == 2
    await hub.close()


async def test_a_problem_that_stops_early_is_asked_for_no_more_and_holds_nobody_up() -> None:
    sampler = Scripted()
    hub = hub_of(sampler)
    async with asyncio.timeout(5):
        first, second = await asyncio.gather(take(hub, 1000, stop_after=3), take(hub, 2))
    assert (len(first), len(second)) == (3, 4)
    assert len(sampler.asked) < 1000
    await hub.close()


async def test_a_problem_without_requests_ends_at_once() -> None:
    hub = hub_of(Scripted())
    async with asyncio.timeout(5):
        assert await take(hub, 0) == []
    await hub.close()


async def test_a_sampler_that_dies_is_told_to_everybody() -> None:
    hub = hub_of(Scripted(fail_at=2))
    async with asyncio.timeout(5):
        results = await asyncio.gather(take(hub, 5), take(hub, 5), return_exceptions=True)
    assert all(isinstance(result, SamplerFailed) for result in results)
    await hub.close()


async def test_the_sampler_is_opened_once_and_closed_with_the_hub_only() -> None:
    sampler, opened = Scripted(), 0

    async def open_sampler() -> Scripted:
        nonlocal opened
        opened += 1
        await asyncio.sleep(0)
        return sampler

    hub = Hub(open_sampler)
    views = await asyncio.gather(*(hub.view() for _ in range(5)))
    await views[0].close()
    assert (opened, sampler.closed) == (1, False)
    await hub.close()
    assert sampler.closed


async def test_a_sampler_that_cannot_be_opened_is_an_error_for_whoever_asks() -> None:
    async def open_sampler() -> Scripted:
        raise SamplerFailed("no model")

    hub = Hub(open_sampler)
    with pytest.raises(SamplerFailed, match="no model"):
        await hub.view()
    await hub.close()


async def test_a_problem_that_gives_up_while_the_model_loads_stops_the_loading_for_nobody() -> None:
    sampler, loaded = Scripted(), asyncio.Event()

    async def open_sampler() -> Scripted:
        await loaded.wait()
        return sampler

    hub = Hub(open_sampler)
    hasty, patient = asyncio.create_task(hub.view()), asyncio.create_task(take(hub, 2))
    await asyncio.sleep(0)
    hasty.cancel()
    await asyncio.gather(hasty, return_exceptions=True)
    loaded.set()
    async with asyncio.timeout(5):
        assert len(await patient) == 4
    await hub.close()


async def test_closing_while_the_model_loads_ends_the_loading() -> None:
    ended = asyncio.Event()

    async def open_sampler() -> Scripted:
        try:
            await asyncio.sleep(100)
        finally:
            ended.set()
        raise AssertionError

    hub = Hub(open_sampler)
    waiting = asyncio.create_task(hub.view())
    await asyncio.sleep(0.01)
    waiting.cancel()
    async with asyncio.timeout(5):
        await hub.close()
    assert ended.is_set()


async def test_hunger_is_told_when_a_problem_has_asked_for_all_it_wants() -> None:
    hub = hub_of(Scripted())
    async with asyncio.timeout(5):
        await asyncio.gather(take(hub, 2), hub.hungry())
    assert hub.unasked == 0
    await hub.close()


async def test_a_problem_that_does_not_read_holds_the_model_back_after_a_while() -> None:
    sampler = Scripted()
    hub = hub_of(sampler)
    view = await hub.view()
    stream = view.stream(requests(5000))
    async with asyncio.timeout(20):
        await anext(stream)
        asked = -1
        while asked != len(sampler.asked):
            asked = len(sampler.asked)
            await asyncio.sleep(0.2)
        assert asked < 1000
        assert len([found async for found in stream]) == 9999
    await hub.close()


async def test_the_problem_that_needs_samples_most_is_served_first_and_equals_in_their_order() -> None:
    sampler = Scripted()
    hub = hub_of(sampler)
    needs = [1, 2, 0, 1]
    views = [await hub.view(lambda place=place: needs[place]) for place in range(4)]
    streams = [view.stream(requests(3, n=1)) for view in views]
    async with asyncio.timeout(5):
        await asyncio.gather(*(all_of(stream) for stream in streams))
    assert [index >> 40 for index in sampler.asked] == [2] * 3 + [0] * 3 + [3] * 3 + [1] * 3
    await hub.close()


async def test_a_problem_gives_way_as_soon_as_it_needs_less() -> None:
    sampler = Scripted()
    hub = hub_of(sampler)
    seen = 0

    async def first() -> None:
        nonlocal seen
        view = await hub.view(lambda: 2 if seen >= 2 else 0)
        async for _ in view.stream(requests(4, n=1)):
            seen += 1

    async def second() -> None:
        view = await hub.view(lambda: 1)
        await all_of(view.stream(requests(4, n=1)))

    async with asyncio.timeout(5):
        await asyncio.gather(first(), second())
    order = [index >> 40 for index in sampler.asked]
    assert order[-1] == 0, "it is served at last"
    assert order.index(1) < 4, "not after all of its requests"
    await hub.close()


async def all_of(stream: AsyncIterator[Sample]) -> list[Sample]:
    return [found async for found in stream]
