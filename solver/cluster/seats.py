"""Whom to give work to next: members with so many seats each, and those who wait for one.

Knows nothing of Ray and of where members come from; `solver.cluster.crew` adds and removes them.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from solver.cluster.events import Place

Opened = TypeVar("Opened")

SPARE_CPU = 0.01
"""Of a CPU, that a sandbox actor leaves: room for a replica without GPUs on every node that runs programs, and on none
that is to run nothing."""


@dataclass(eq=False)
class _Waiter(Generic[Opened]):
    size: int
    able: Callable[[Member[Opened]], bool]
    hopeless: Callable[[], Exception | None]
    granted: asyncio.Future[Member[Opened]]


@dataclass(eq=False)
class Member(Generic[Opened]):
    """An actor that is ready. seats: how much work it takes at once; busy: how much it has. waiters: those that are at
    home here."""

    actor: Any
    place: Place
    opened: Opened
    seats: int
    busy: int = 0
    waiters: deque[_Waiter[Opened]] = field(default_factory=deque)

    @property
    def room(self) -> int:
        return self.seats - self.busy

    def takes(self, waiter: _Waiter[Opened]) -> bool:
        """Whether it can begin this now; one that is idle takes any size."""
        return (self.room >= waiter.size or not self.busy) and waiter.able(self)


@dataclass(eq=False)
class Seats(Generic[Opened]):
    """changed: set, and replaced, whenever there may be more room or another member."""

    members: list[Member[Opened]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None
    _waiters: deque[_Waiter[Opened]] = field(default_factory=deque)

    async def take(
        self,
        size: int = 1,
        able: Callable[[Member[Opened]], bool] = lambda member: True,
        hopeless: Callable[[], Exception | None] = lambda: None,
        home: Member[Opened] | None = None,
    ) -> Member[Opened]:
        """The member with the most room, or the first to have enough of it. `give_back` the same size.

        hopeless: asked when somebody has gone; says why none of those left will ever do. home: who would do it with
        less effort. It is waited for, unless another one has half of its seats free. Raises what `fail` was told, and
        what makes it hopeless.
        """
        if self.failure is not None:
            raise self.failure
        waiter = _Waiter(size, able, hopeless, asyncio.get_running_loop().create_future())
        if not self._place(waiter, home):
            at_home = home is not None and home in self.members and able(home)
            (home.waiters if home is not None and at_home else self._waiters).append(waiter)
        try:
            return await asyncio.shield(waiter.granted)
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.exception():
                self.give_back(waiter.granted.result(), size)
            waiter.granted.cancel()
            raise

    def give_back(self, member: Member[Opened], size: int = 1) -> None:
        """The work is done, or its member is lost."""
        member.busy -= size
        self._serve(member)

    @property
    def room(self) -> int:
        """How much more work would be begun at once."""
        waiting = self._waiters or any(member.waiters for member in self.members)
        return 0 if waiting else sum(max(0, member.room) for member in self.members)

    def add(self, member: Member[Opened]) -> None:
        self.members.append(member)
        self._serve(member)

    def remove(self, member: Member[Opened]) -> bool:
        """Whoever waits for it waits for others; what it had in hand is its callers' business. False: it was gone."""
        if member not in self.members:
            return False
        self.members.remove(member)
        self._waiters.extend(member.waiters)
        member.waiters.clear()
        for one in self.members:
            self._serve(one)
        for waiter in self._waiting():
            if (error := waiter.hopeless()) is not None:
                waiter.granted.set_exception(error)
        self.tell()
        return True

    def fail(self, error: Exception) -> None:
        """All who wait, and who will, are told."""
        self.failure = self.failure or error
        for waiter in self._waiting():
            waiter.granted.set_exception(self.failure)
        self.tell()

    def tell(self) -> None:
        """Wakes all who wait, each once."""
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    def _waiting(self) -> list[_Waiter[Opened]]:
        queues = (self._waiters, *(member.waiters for member in self.members))
        return [waiter for queue in queues for waiter in queue if not waiter.granted.done()]

    def _place(self, waiter: _Waiter[Opened], home: Member[Opened] | None) -> bool:
        """Gives it to somebody at once, if there is room."""
        able = [member for member in self.members if member.takes(waiter)]
        if home in able:
            able = [home] if home is not None else able
        elif home in self.members:
            able = [member for member in able if _half_free(member)]
        if not able:
            return False
        _grant(max(able, key=lambda member: member.room), waiter)
        return True

    def _serve(self, member: Member[Opened]) -> None:
        """Gives a member that has room what waits: for it, for anybody, or, when it is idle, for others."""
        self.tell()
        while member in self.members and member.room > 0:
            queues = [member.waiters, self._waiters]
            if _half_free(member):
                queues.append(max((one.waiters for one in self.members), key=len))
            waiter = next((found for queue in queues if (found := _next_for(member, queue)) is not None), None)
            if waiter is None:
                return
            _grant(member, waiter)


def _half_free(member: Member[Opened]) -> bool:
    return 2 * member.busy < member.seats


def _grant(member: Member[Opened], waiter: _Waiter[Opened]) -> None:
    member.busy += waiter.size
    waiter.granted.set_result(member)


def _next_for(member: Member[Opened], queue: deque[_Waiter[Opened]]) -> _Waiter[Opened] | None:
    """The first that this member can begin, taken out; those that were given up are dropped on the way."""
    while queue and queue[0].granted.done():
        queue.popleft()
    for position, waiter in enumerate(queue):
        if not waiter.granted.done() and member.takes(waiter):
            del queue[position]
            return waiter
    return None
