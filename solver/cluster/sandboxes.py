"""The sandbox of a whole cluster, with the face of `sandbox.Sandbox` that the engine needs.

Programs run on whichever node has the most room. A run whose node is lost is done again elsewhere, since its verdict
does not depend on where. An internal error is tried once more on another node, and the node that made it is looked at:
it is drained when it fails its own trial, or when too many of its errors were none elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import Any

from sandbox import (
    IsolationReport,
    Layer,
    Level,
    Limits,
    Outcome,
    Program,
    SandboxUnavailable,
    ToolchainMissing,
    Verdict,
    languages,
)  # fmt: skip
from solver.cluster.crew import Crew, CrewGone, Unfit, asked, one_line
from solver.cluster.events import OnEvent
from solver.cluster.sandbox_actor import OpenSandbox, Refused, SandboxActor
from solver.cluster.seats import SPARE_CPU, Member

MOST_LOSSES = 5
"""Nodes that one run may lose before it counts as an internal error; it might be what kills them."""
WINDOW = 50
MOST_FAULTS = 0.2
_LEAST_RUNS = 10
_MOST_HOMES = 10_000
_SEATS_PER_WORKER = 2  # so that a worker has its next program at hand
_NO_FILES: Mapping[str, bytes] = MappingProxyType({})


class RaySandbox:
    """cpus: of one actor, and its workers. most: actors. wanted: languages that every node must run."""

    def __init__(
        self,
        ray: Any,
        *,
        cpus: int,
        most: int,
        wanted: Collection[str],
        allow_unsafe: bool,
        wait_seconds: float,
        on_event: OnEvent,
        lacking: Any = lambda: "",
    ) -> None:
        self._ray = ray
        self._cpus = cpus
        self._wanted = tuple(wanted)
        self._allow_unsafe = allow_unsafe
        self._recent: dict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=WINDOW))
        self._looked_at: dict[Member[OpenSandbox], asyncio.Task[None]] = {}
        self._remote = ray.remote(SandboxActor)
        self._crew: Crew[OpenSandbox] = Crew(
            "sandbox", ray, self._spawn, lambda opened: _SEATS_PER_WORKER * opened.workers, most, wait_seconds,
            lacking, on_event,
        )  # fmt: skip
        self._languages: frozenset[str] = frozenset()
        self._homes: OrderedDict[str, Member[OpenSandbox]] = OrderedDict()

    async def __aenter__(self) -> RaySandbox:
        """Waits for the first node. Raises SandboxUnavailable."""
        try:
            await self._crew.start()
        except BaseException as error:
            await self._crew.close()
            if isinstance(error, CrewGone):
                raise SandboxUnavailable(str(error)) from None
            raise
        self._languages = self._crew.members[0].opened.languages
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        for task in self._looked_at.values():
            task.cancel()
        await asyncio.gather(*self._looked_at.values(), return_exceptions=True)
        await self._crew.close()

    @property
    def workers(self) -> int:
        """How many programs can run at once, as things are."""
        return sum(member.opened.workers for member in self._crew.members) or self._cpus

    @property
    def languages(self) -> frozenset[str]:
        """In which programs can be: those of the first node. What another one lacks of them is not sent there."""
        return self._languages

    @property
    def isolation(self) -> IsolationReport:
        """What holds on all nodes that are there."""
        found = [member.opened.layers for member in self._crew.members]
        missing = Layer(False, "not on every node")
        merged: dict[str, Layer] = {}
        for layers in found:
            for name, layer in layers.items():
                merged[name] = layer if merged.get(name, layer).active else merged[name]
        return IsolationReport(
            {name: layer if all(name in layers for layers in found) else missing for name, layer in merged.items()}
        )

    async def run(
        self,
        program: Program,
        stdin: bytes,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        files: Mapping[str, bytes] = _NO_FILES,
        collect: Sequence[str] = (),
        optimise: Level = "full",
    ) -> Outcome:
        """As `Sandbox.run`. Raises SandboxUnavailable when all nodes are lost and none has come for a while."""
        request = (program, stdin, limits, tuple(arguments), dict(files), tuple(collect), optimise)
        losses, failed_at = 0, None
        while True:
            member = await self._take(program, failed_at)
            try:
                outcome = await asked(member.actor.run.remote(*request), self._ray)
            except self._ray.exceptions.RayError as error:
                self._crew.lose(member, one_line(error))
                losses += 1
                if losses >= MOST_LOSSES:
                    return Outcome(Verdict.IE, stderr=f"{losses} nodes were lost while they ran this")
                continue
            finally:
                self._crew.seats.give_back(member)
            if isinstance(outcome, Refused):
                raise ValueError(outcome.reason)
            if isinstance(outcome, Unfit):
                self._crew.drain(member, outcome.reason)
                continue
            assert isinstance(outcome, Outcome)
            if outcome.verdict is not Verdict.IE:
                self._count(member, fault=False)
                if failed_at is not None and failed_at.place.node != member.place.node:
                    self._count(failed_at, fault=True)
                return outcome
            self._look_at(member)
            if failed_at is not None:
                return outcome
            failed_at = member

    # --- nodes ------------------------------------------------------------------------------------

    def _spawn(self, where: dict[str, Any]) -> Any:
        options = {"num_cpus": self._cpus - SPARE_CPU, "scheduling_strategy": "SPREAD", "max_restarts": 0, **where}
        return self._remote.options(**options).remote(self._cpus, self._wanted, self._allow_unsafe)

    async def _take(self, program: Program, avoid: Member[OpenSandbox] | None) -> Member[OpenSandbox]:
        language = program.language

        def runs(member: Member[OpenSandbox]) -> bool:
            return language in member.opened.languages

        def elsewhere(member: Member[OpenSandbox]) -> bool:
            return avoid is None or member.place.node != avoid.place.node

        def able(member: Member[OpenSandbox]) -> bool:
            """Asked whenever somebody comes or goes: who is left may be only those to avoid."""
            others = elsewhere(member) or not any(runs(one) and elsewhere(one) for one in self._crew.members)
            return runs(member) and others

        def hopeless() -> ToolchainMissing | None:
            if not self._crew.members or any(runs(one) for one in self._crew.members):
                return None
            return ToolchainMissing(f"no node that is left runs {language}; bring one back or leave the language out")

        if (error := hopeless()) is not None:
            raise error
        # A program that has to be compiled is so on one node, as far as possible.
        compiled = language in languages() and languages()[language].compiled
        digest = program.digest if compiled else ""
        try:
            member = await self._crew.seats.take(able=able, hopeless=hopeless, home=self._homes.get(digest))
        except CrewGone as gone:
            raise SandboxUnavailable(str(gone)) from None
        if compiled:
            self._homes[digest] = member
            self._homes.move_to_end(digest)
            if len(self._homes) > _MOST_HOMES:
                self._homes.popitem(last=False)
        return member

    def _count(self, member: Member[OpenSandbox], *, fault: bool) -> None:
        recent = self._recent[member.place.node]
        recent.append(fault)
        if len(recent) >= _LEAST_RUNS and sum(recent) > MOST_FAULTS * len(recent) and member in self._crew.members:
            self._crew.drain(member, f"{sum(recent)} of its last {len(recent)} runs failed and did not elsewhere")

    def _look_at(self, member: Member[OpenSandbox]) -> None:
        """Has the node try itself, unless it is at it."""
        if member not in self._looked_at:
            task = self._looked_at[member] = asyncio.create_task(self._try(member))
            task.add_done_callback(lambda _: self._looked_at.pop(member, None))

    async def _try(self, member: Member[OpenSandbox]) -> None:
        try:
            fault = await asked(member.actor.check.remote(), self._ray)
        except self._ray.exceptions.RayError as error:
            self._crew.lose(member, one_line(error))
            return
        if fault is not None:
            self._crew.drain(member, fault.reason)
