"""One sampler for many problems: their requests go out as one stream, the samples come back to whom they belong.

Requests are taken from the problem that needs samples most, and among equals in the order in which the problems came,
so that a prompt's cache serves all of its requests. A problem that stops early is sent nothing more; its requests that
the model has begun are finished for nothing. Not covered: samplers that replay a recording, which are opened a problem.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import cast

from solver.errors import UserError
from solver.samplers import Request, Sample, Sampler, SamplerStats, stats_of

_STRIDE = 1 << 40  # request numbers of one stream
_QUEUED = 1024  # samples that wait for one problem


@dataclass(eq=False)
class _Desk:
    """One stream of one problem. need: the lower, the sooner it is served. owed: samples asked for and not delivered.
    room: for samples that wait; an end or an error always finds a place."""

    number: int
    requests: Iterator[Request]
    need: Callable[[], int]
    queue: asyncio.Queue[Sample | Exception | None] = field(default_factory=asyncio.Queue)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_QUEUED))
    owed: int = 0
    exhausted: bool = False
    gone: bool = False


class Hub:
    """Give each problem a `view()`; `close()` ends the sampler behind them."""

    def __init__(self, open_sampler: Callable[[], Awaitable[Sampler]]) -> None:
        """open_sampler: called once, when the first samples are wanted."""
        self._open_sampler = open_sampler
        self._opening: asyncio.Task[Sampler] | None = None
        self._sampler: Sampler | None = None
        self._desks: dict[int, _Desk] = {}
        self._next_number = 0
        self._wanted = asyncio.Event()
        self._hungry = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    @property
    def unasked(self) -> int:
        """Streams that still have requests to give."""
        return sum(not desk.exhausted and not desk.gone for desk in self._desks.values())

    @property
    def stats(self) -> SamplerStats | None:
        """What the sampler has done so far; None while there is none, and of one that keeps none."""
        return None if self._sampler is None else stats_of(self._sampler)

    async def hungry(self) -> None:
        """Returns when a stream has given its last request since the last call."""
        await self._hungry.wait()
        self._hungry.clear()

    async def view(self, need: Callable[[], int] = lambda: 0) -> Sampler:
        """A sampler for one problem; need is asked before each request. Raises what opening the sampler raises.

        A problem whose time is up while the sampler is opened gives up alone.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        sampler = await asyncio.shield(self._opening)
        return _View(self, sampler.model, need)

    async def close(self) -> None:
        """Ends what is in flight, and the sampler."""
        for task in (self._opening, self._pump):
            if task is not None:
                task.cancel()
        await asyncio.gather(*filter(None, (self._opening, self._pump)), return_exceptions=True)
        if self._sampler is not None:
            await self._sampler.close()

    async def _open(self) -> Sampler:
        self._sampler = await self._open_sampler()
        self._pump = asyncio.create_task(self._run(self._sampler))
        return self._sampler

    def join(self, requests: Iterator[Request], need: Callable[[], int]) -> _Desk:
        desk = _Desk(self._next_number, requests, need)
        self._next_number += 1
        self._desks[desk.number] = desk
        self._wanted.set()
        return desk

    def leave(self, desk: _Desk) -> None:
        desk.gone = True
        self._desks.pop(desk.number, None)
        desk.room.release()  # the pump may wait for it
        self._hungry.set()

    async def _run(self, sampler: Sampler) -> None:
        """One stream after another, each as long as there are requests."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if not self.unasked:
                continue
            try:
                stream = cast(AsyncGenerator[Sample], sampler.stream(self._requests()))
                async with aclosing(stream):
                    async for sample in stream:
                        await self._deliver(sample)
            except Exception as error:  # whatever it is: the problems wait for samples and raise it
                self._tell(error)
                continue
            for desk in list(self._desks.values()):
                if desk.exhausted:  # whatever is owed will not come
                    desk.queue.put_nowait(None)
            if self.unasked:
                self._wanted.set()

    def _requests(self) -> Iterator[Request]:
        while True:
            waiting = [desk for desk in self._desks.values() if not desk.exhausted]
            if not waiting:
                return
            desk = min(waiting, key=lambda desk: desk.need())  # the first of equals
            request = next(desk.requests, None)
            if request is None:
                desk.exhausted = True
                self._hungry.set()
                if not desk.owed:
                    desk.queue.put_nowait(None)
                continue
            if request.index >= _STRIDE:
                raise UserError(f"request number {request.index} is too large")
            desk.owed += request.n
            yield replace(request, index=desk.number * _STRIDE + request.index)

    async def _deliver(self, sample: Sample) -> None:
        number, index = divmod(sample.request, _STRIDE)
        desk = self._desks.get(number)
        if desk is None:
            return
        await desk.room.acquire()
        desk.queue.put_nowait(replace(sample, request=index))
        desk.owed -= 1
        if desk.exhausted and desk.owed <= 0:
            desk.queue.put_nowait(None)

    def _tell(self, error: Exception) -> None:
        for desk in list(self._desks.values()):
            desk.queue.put_nowait(error)


class _View:
    """A `Sampler`; several streams of it may be open at once."""

    replays = False

    def __init__(self, hub: Hub, model: str, need: Callable[[], int]) -> None:
        self._hub = hub
        self._need = need
        self.model = model

    @property
    def stats(self) -> SamplerStats | None:
        """Of the sampler that all share."""
        return self._hub.stats

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        desk = self._hub.join(requests, self._need)
        try:
            while (item := await desk.queue.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                desk.room.release()
                yield item
        finally:
            self._hub.leave(desk)

    async def close(self) -> None:
        """The hub's owner closes the sampler."""
