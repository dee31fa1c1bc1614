"""Actors of one kind that share work (`solver.cluster.seats` says who gets which).

Membership is Ray's. We ask for one actor more than there are, up to a maximum; Ray starts it when a node has room for
it, also one that joins later. An actor that dies, with its node or alone, leaves the crew, and whatever it had in hand
its callers ask somebody else for. A node that is not fit is drained: its actors end, and no new ones are put there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic

from solver.cluster.events import Event, OnEvent, Place
from solver.cluster.seats import Member, Opened, Seats
from solver.errors import UserError

_NODE = "ray.io/node-id"
_PAUSE_SECONDS = 1.0  # after an actor that could not even say where it is
_MOST_FALSE_STARTS = 5  # in a row
_MOST_DEATHS = 3  # of actors that got ready on one node, in a row, before it is unfit
_LOOK_SECONDS = 1.0  # how often those who wait look whether there is hope


@dataclass(frozen=True, slots=True)
class Unfit:
    """What an actor says of a node that cannot do its work."""

    reason: str


class CrewGone(RuntimeError):
    """Nobody is there to do the work, and nobody has come within the time that one waits."""


@dataclass(eq=False)
class Crew(Generic[Opened]):
    """role: what its actors are, for messages. spawn: makes an actor, given options that keep it off drained nodes; it
    has `where()` and `open()`, which say a Place, and what it offers or why its node is Unfit. size: how many seats it
    has, by what it offers. lacking: why no actor may have been started, for messages. hasty: the first that is unfit
    ends it all.
    """

    role: str
    ray: Any
    spawn: Callable[[dict[str, Any]], Any]
    size: Callable[[Opened], int]
    most: int
    wait_seconds: float
    lacking: Callable[[], str]
    on_event: OnEvent
    hasty: bool = False
    seats: Seats[Opened] = field(default_factory=Seats)
    _drained: dict[str, str] = field(default_factory=dict)
    _opening: set[asyncio.Task[None]] = field(default_factory=set)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _last_hope: float = 0.0
    _false_starts: int = 0
    _deaths: Counter[str] = field(default_factory=Counter)
    _ever_ready: bool = False
    _last_reason: str = ""

    @property
    def members(self) -> list[Member[Opened]]:
        """Those that are ready."""
        return self.seats.members

    async def start(self) -> None:
        """Returns when somebody is ready. Raises CrewGone, or UserError for the first that is unfit when hasty."""
        self._last_hope = time.monotonic()
        self._tasks = [asyncio.create_task(self._keep()), asyncio.create_task(self._watch())]
        while not self.members:
            await self._wait()
            self._check_hope()

    async def close(self) -> None:
        """Ends the actors."""
        tasks = [*self._opening, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for member in self.members:
            self.ray.kill(member.actor)
        self.members.clear()

    async def room_changes(self) -> None:
        """Returns when there is room. Raises CrewGone."""
        while not self.seats.room:
            await self._wait()
            self._check_hope()

    def lose(self, member: Member[Opened], reason: str) -> bool:
        """It is dead, or does not answer. Told once. True when this was not known yet."""
        if not self._remove(member):
            return False
        self.on_event(Event("lost", self.role, member.place, reason))
        return True

    def drain(self, member: Member[Opened], reason: str) -> None:
        """Its node gets no more of this work."""
        for one in [one for one in self.members if one.place.node == member.place.node]:
            self._remove(one)
        self._exclude(member.place, reason)

    # --- who is there -----------------------------------------------------------------------------

    async def _keep(self) -> None:
        """One actor more than are ready or get ready; sequential, so that one at most waits for a node."""
        while True:
            while len(self.members) + len(self._opening) >= self.most:
                await self._wait()
            actor = self.spawn(self._elsewhere())
            try:
                place = await actor.where.remote()
            except self.ray.exceptions.RayError as error:
                await self._false_start(error)
                continue
            except asyncio.CancelledError:
                self.ray.kill(actor)
                raise
            if place.node in self._drained:  # asked for before it was
                self.ray.kill(actor)
                continue
            task = asyncio.create_task(self._open(actor, place))
            self._opening.add(task)
            task.add_done_callback(self._opened)

    async def _open(self, actor: Any, place: Place) -> None:
        try:
            opened = await actor.open.remote()
        except self.ray.exceptions.RayError as error:
            self.ray.kill(actor)  # it may live on, unreachable
            self.on_event(Event("lost", self.role, place, one_line(error)))
            self._deaths[place.node] += 1
            if self._deaths[place.node] >= _MOST_DEATHS:
                self._unfit(place, f"the {self.role} actor died there {_MOST_DEATHS} times: {one_line(error)}")
            await self._false_start(error)
            return
        except asyncio.CancelledError:
            self.ray.kill(actor)
            raise
        if isinstance(opened, Unfit) or place.node in self._drained:
            self.ray.kill(actor)
            if isinstance(opened, Unfit):
                self._unfit(place, opened.reason)
            return
        self._ever_ready, self._false_starts = True, 0
        self._deaths.pop(place.node, None)
        self.on_event(Event("joined", self.role, place, ""))
        self.seats.add(Member(actor, place, opened, self.size(opened)))

    def _unfit(self, place: Place, reason: str) -> None:
        self._exclude(place, reason)
        if self.hasty and not self._ever_ready:
            self.seats.fail(UserError(f"{place}: {reason}"))

    async def _false_start(self, error: BaseException) -> None:
        """Too many of them end it all, unless somebody is there or still gets ready."""
        self._false_starts += 1
        self._last_reason = one_line(error)
        others = self._opening - {asyncio.current_task()}
        if self._false_starts >= _MOST_FALSE_STARTS and not self.members and not others:
            self.seats.fail(CrewGone(f"no {self.role} actor can be started: {self._last_reason}"))
        await asyncio.sleep(_PAUSE_SECONDS)

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.seats.fail(error if isinstance(error, Exception) else RuntimeError(str(error)))
        self.seats.tell()

    def _remove(self, member: Member[Opened]) -> bool:
        if not self.seats.remove(member):
            return False
        self._last_hope = time.monotonic()
        self.ray.kill(member.actor)  # it may live on, unreachable
        return True

    def _exclude(self, place: Place, reason: str) -> None:
        if place.node not in self._drained:
            self._drained[place.node] = self._last_reason = reason
            self.on_event(Event("drained", self.role, place, reason))

    def _elsewhere(self) -> dict[str, Any]:
        return {"label_selector": {_NODE: f"!in({','.join(self._drained)})"}} if self._drained else {}

    async def _wait(self) -> None:
        """Until something has changed, or for a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_SECONDS):
                await self.seats.changed.wait()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                self._check_hope()
            except (CrewGone, UserError) as error:
                self.seats.fail(error)

    def _check_hope(self) -> None:
        if self.seats.failure is not None:
            raise self.seats.failure
        if self.members or self._opening:
            self._last_hope = time.monotonic()
        elif time.monotonic() - self._last_hope > self.wait_seconds:
            reasons = "; ".join(part for part in (self.lacking(), self._last_reason) if part)
            raise CrewGone(f"no {self.role} actor for {self.wait_seconds:g} seconds ({reasons or 'no node has room'})")


async def asked(call: Awaitable[Any], ray: Any) -> Any:
    """The answer of an actor's method; cancelled, the method is cancelled too. Raises what Ray raises."""
    try:
        return await call
    except asyncio.CancelledError:
        ray.cancel(call)
        raise


def one_line(error: BaseException) -> str:
    """What Ray says of an actor that died, without its page of advice."""
    text = str(getattr(error, "error_msg", "") or error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = [line for line in lines if "dead because" in line or "Error" in line or "unavailable" in line]
    return (told[-1] if told else lines[0] if lines else type(error).__name__).split(". ")[0][:200]
