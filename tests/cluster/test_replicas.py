"""Model replicas of a cluster as one sampler: who is asked, and what becomes of requests whose replica dies. Ray itself
is scripted here."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from solver.cluster import replica_actor, replicas
from solver.cluster.crew import Unfit
from solver.cluster.events import Event
from solver.cluster.replica_actor import Answered, Failed, Impossible
from solver.errors import UserError
from solver.samplers import Request, Sample, Sampler, SamplerFailed, SamplerStats, stats_of
from solver.samplers.endpoint import EndpointSampler
from solver.samplers.engine_load import EngineLoad
from tests.cluster.scripted_ray import Node, Ray
from tests.cluster.test_sandboxes import sandbox_on, settled


def requests(count: int, n: int = 4) -> Iterator[Request]:
    return (Request(i, ({"role": "user", "content": "?"},), "direct", "python", 0.8, i, n, 64) for i in range(count))


def answers(request: Request, stats: SamplerStats | None = None) -> Answered:
    samples = [
        Sample(request.index, choice, "text", "a-model", "direct", "python", 0.8, 0, 1, 1, None, "stop")
        for choice in range(request.n)
    ]
    return Answered(samples, stats)


async def slow(request: Request) -> Answered:
    await asyncio.sleep(0.01)
    return answers(request)


async def never(request: Request) -> Answered:
    await asyncio.sleep(100)
    raise AssertionError


@asynccontextmanager
async def sampler_on(ray: Ray, count: int = 2, **more: Any) -> AsyncIterator[tuple[replicas.RaySampler, list[Event]]]:
    events: list[Event] = []
    fields = {"replicas": count, "gpus": 1, "cpus": 1, "wait_seconds": 2.0, **more}
    sampler = replicas.RaySampler(ray, lambda number: slow, on_event=events.append, **fields)  # type: ignore[arg-type]
    async with asyncio.timeout(20):
        await sampler.start()
        try:
            yield sampler, events
        finally:
            await sampler.close()


async def all_of(sampler: replicas.RaySampler, wanted: Iterator[Request]) -> Counter[tuple[int, int]]:
    return Counter([(sample.request, sample.choice) async for sample in sampler.stream(wanted)])


EVERY = Counter((request, choice) for request in range(20) for choice in range(4))


async def test_every_sample_of_every_request_comes_once_and_all_replicas_are_asked() -> None:
    a, b = Node("a", slow), Node("b", slow)
    async with sampler_on(Ray(a, b)) as (sampler, _):
        assert sampler.model == "a-model"
        await settled(lambda: len(sampler._crew.members) == 2)
        assert await all_of(sampler, requests(20)) == EVERY
        assert a.ran
        assert b.ran


async def test_requests_of_a_dead_replica_are_asked_again_and_nothing_comes_twice() -> None:
    doomed, other = Node("doomed", never), Node("other", slow)
    ray = Ray(doomed, other)
    async with sampler_on(ray) as (sampler, events):
        taking = asyncio.create_task(all_of(sampler, requests(20)))
        await settled(lambda: len(doomed.ran) >= 2)
        ray.lose(doomed)
        assert await taking == EVERY
        assert [event.place.node for event in events if event.kind == "lost"] == ["doomed"]


async def test_a_replica_that_was_lost_is_replaced_where_there_is_room() -> None:
    first, spare = Node("first", never), Node("spare", slow)
    ray = Ray(first)
    async with sampler_on(ray, count=1) as (sampler, _):
        taking = asyncio.create_task(all_of(sampler, requests(20)))
        await settled(lambda: bool(first.ran))
        ray.lose(first)
        ray.join(spare)
        assert await taking == EVERY


async def test_no_request_is_taken_before_a_replica_has_room_for_it() -> None:
    taken = 0

    def counted() -> Iterator[Request]:
        nonlocal taken
        for request in requests(100):
            taken += 1
            yield request

    async with sampler_on(Ray(Node("a", never), Node("b", never))) as (sampler, _):
        taking = asyncio.create_task(all_of(sampler, counted()))
        await asyncio.sleep(0.3)
        assert taken == 2 * 8 // 4, "two replicas, 8 samples each, 4 a request"
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)


async def test_the_engines_of_all_replicas_count_and_those_of_dead_ones_stay_counted() -> None:
    def tells(tokens: int, seconds: float) -> Callable[[Request], Answered]:
        load = EngineLoad(seconds=seconds, prefix_queries=10, prefix_hits=tokens // 100, kv_usage_peak=seconds / 10)
        stats = SamplerStats(completion_tokens=tokens, seconds=seconds, longest_gap=seconds / 5, load=load)
        return lambda request: answers(request, stats)

    a, b = Node("a", tells(100, 3.0)), Node("b", tells(500, 2.0))
    ray = Ray(a, b)
    async with sampler_on(ray) as (sampler, _):
        assert sampler.stats is None, "nobody has told anything yet"
        await settled(lambda: len(sampler._crew.members) == 2)
        assert await all_of(sampler, requests(20)) == EVERY
        ray.lose(a)
        told = stats_of(sampler)
        assert told is not None
        assert (told.completion_tokens, told.seconds, told.longest_gap, told.devices) == (600, 3.0, 0.6, 2)
        assert (told.load.prefix_queries, told.load.prefix_hits, told.load.kv_usage_peak) == (20, 6, 0.3)


async def test_a_request_larger_than_any_replica_s_room_is_answered_all_the_same() -> None:
    async with sampler_on(Ray(Node("a", slow)), count=1) as (sampler, _):
        assert (await all_of(sampler, requests(2, n=50))).total() == 100


async def test_a_stream_that_is_left_frees_its_replicas() -> None:
    async with sampler_on(Ray(Node("a", slow)), count=1) as (sampler, _):
        stream = sampler.stream(requests(20))
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        assert sampler._crew.members[0].busy == 0
        assert await all_of(sampler, requests(20)) == EVERY


async def test_a_prompt_that_is_too_long_ends_the_stream_and_costs_no_replica() -> None:
    ray = Ray(Node("a", lambda request: Impossible("the prompt has 9000 tokens")))
    async with sampler_on(ray, count=1) as (sampler, events):
        with pytest.raises(UserError, match="9000 tokens"):
            await all_of(sampler, requests(1))
        assert [event.kind for event in events] == ["joined"]


async def test_a_node_where_the_model_dies_again_is_drained_and_named() -> None:
    ray = Ray(Node("sick", lambda request: Failed("the engine is gone")), Node("well", slow))
    async with sampler_on(ray) as (sampler, events):
        assert await all_of(sampler, requests(20)) == EVERY
        told = [(event.kind, event.place.node, event.detail) for event in events if event.kind != "joined"]
        assert told[0] == ("lost", "sick", "the engine is gone")
        assert told[-1] == ("drained", "sick", "the model died there 2 times: the engine is gone")


async def test_one_death_that_fails_many_requests_drains_nobody() -> None:
    deaths = 0

    async def dies_once(request: Request) -> Answered | Failed:
        nonlocal deaths
        await asyncio.sleep(0.01)
        deaths += 1
        return Failed("the engine is gone") if deaths <= 2 else answers(request)

    async with sampler_on(Ray(Node("only", dies_once)), count=1) as (sampler, events):
        assert await all_of(sampler, requests(20)) == EVERY
        assert [event.kind for event in events] == ["joined", "lost", "joined"]


async def test_a_model_that_cannot_be_loaded_is_told_at_once() -> None:
    bad = Node("bad")
    bad.unfit = "vLLM is not installed"
    with pytest.raises(UserError, match="vLLM is not installed"):
        async with sampler_on(Ray(bad), wait_seconds=100.0):
            raise AssertionError


async def test_without_any_replica_left_the_run_can_be_resumed() -> None:
    ray = Ray(only := Node("only", never))
    async with sampler_on(ray, count=1, wait_seconds=0.1) as (sampler, _):
        taking = asyncio.create_task(all_of(sampler, requests(5)))
        await settled(lambda: bool(only.ran))
        ray.lose(only)
        with pytest.raises(SamplerFailed, match="no model actor"):
            await taking


class Opens:
    """Fails so many times, then gives a sampler."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def __call__(self) -> Sampler:
        self.failures -= 1
        if self.failures >= 0:
            raise UserError("out of memory")
        return EndpointSampler("http://127.0.0.1:1", "a-model")


async def test_a_replica_in_the_place_of_a_dead_one_waits_until_the_gpu_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replica_actor, "_GPU_FREE_SECONDS", 0.01)
    assert await replica_actor.ReplicaActor(Opens(1)).open() == Unfit("out of memory")
    opened = await replica_actor.ReplicaActor(Opens(1), replaces=True).open()
    assert isinstance(opened, replica_actor.OpenReplica)
    assert await replica_actor.ReplicaActor(Opens(2), replaces=True).open() == Unfit("out of memory")


@pytest.mark.parametrize("follows_others", [False, True])
async def test_the_first_replicas_wait_for_a_gpu_only_where_another_model_s_have_just_ended(
    follows_others: bool,
) -> None:
    a, b = Node("a", slow), Node("b", slow)
    async with sampler_on(Ray(a, b), follows_others=follows_others) as (sampler, _):
        await settled(lambda: len(sampler._crew.members) == 2)
        told = [actor.made_with["replaces"] for node in (a, b) for actor in node.actors]
        assert told == [follows_others] * 2


async def test_a_replica_finds_its_place_though_sandboxes_take_all_cpus() -> None:
    ray = Ray(Node("a"))
    async with sampler_on(ray, 1, gpus=1, cpus=0):
        (actor,) = ray.nodes[0].actors
        assert (actor.options["num_gpus"], actor.options["num_cpus"]) == (1, 0)
    ray = Ray(Node("a", room=2))
    async with sandbox_on(ray, cpus=4, most=1), sampler_on(ray, 1, gpus=0, cpus=0):
        sandbox, replica = ray.nodes[0].actors
        assert sandbox.options["num_cpus"] + replica.options["num_cpus"] <= 4
        assert replica.options["num_cpus"] > 0, "a machine without CPUs for Ray runs no model"
