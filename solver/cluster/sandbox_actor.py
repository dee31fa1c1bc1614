"""A sandbox on a node of the cluster: what runs there, inside a Ray actor.

It says itself whether its node is fit: programs can be confined, every language that is wanted works when tried, and
there is room on the disk. It knows programs and inputs; expected outputs never come here.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox import (
    Layer,
    Level,
    Limits,
    Outcome,
    Program,
    Sandbox,
    SandboxUnavailable,
    ToolchainMissing,
    Verdict,
    languages,
)
from solver.cluster.crew import Unfit
from solver.cluster.events import Place

LEAST_DISK_BYTES = 64 * 2**20
"""Room that the temporary directory must have, which holds compiled programs."""
_TRIAL_LIMITS = Limits(cpu_seconds=20.0, memory_bytes=2**30)
_TRIALS = {"python": "print(42)  # {}\n"}


@dataclass(frozen=True, slots=True)
class OpenSandbox:
    """What a node offers. layers: what confines programs there, by name. languages: in which it runs them."""

    workers: int
    layers: Mapping[str, Layer]
    languages: frozenset[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """The program, or what was asked of it, makes no sense: the caller's mistake, not the node's."""

    reason: str


class SandboxActor:
    """workers: programs at once. wanted: languages that must work. allow_unsafe: run programs unconfined."""

    def __init__(self, workers: int, wanted: Sequence[str], allow_unsafe: bool) -> None:
        self._sandbox = Sandbox(workers, allow_unsafe=allow_unsafe)
        self._wanted = tuple(wanted)

    async def where(self) -> Place:
        return here()

    async def open(self) -> OpenSandbox | Unfit:
        """Starts the sandbox and tries it."""
        try:
            await self._sandbox.__aenter__()
        except SandboxUnavailable as error:
            return Unfit(str(error))
        fault = await self.check()
        if fault is not None:
            await self._sandbox.close()
            return fault
        return OpenSandbox(self._sandbox.workers, dict(self._sandbox.isolation.layers), self._sandbox.languages)

    async def check(self) -> Unfit | None:
        """Why this node should get no more work, if it should not."""
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if free < LEAST_DISK_BYTES:
            return Unfit(f"disk full: {free / 2**20:.0f} MiB are left in {tempfile.gettempdir()}")
        for name in self._wanted:
            language = languages()[name]
            available = language.available()
            if not available:
                return Unfit(f"cannot run {name}: {available.detail}")
            trial = _TRIALS.get(name) or f"{language.smallest_program}\n// {{}}\n"
            # A text that nobody has compiled before.
            outcome = await self.run(Program(name, trial.replace("{}", secrets.token_hex(8), 1)), b"", _TRIAL_LIMITS)
            if isinstance(outcome, Unfit | Refused):
                return Unfit(f"cannot run {name}: {outcome.reason}")
            if outcome.verdict is not Verdict.OK:
                return Unfit(
                    f"cannot run {name}: a trivial program ends with {outcome.verdict} {outcome.stderr[-200:]}"
                )
        return None

    async def run(
        self,
        program: Program,
        stdin: bytes,
        limits: Limits,
        arguments: Sequence[str] = (),
        files: Mapping[str, bytes] | None = None,
        collect: Sequence[str] = (),
        optimise: Level = "full",
    ) -> Outcome | Unfit | Refused:
        """As `Sandbox.run`; a toolchain that is missing or a full disk is the node's fault."""
        try:
            return await self._sandbox.run(
                program, stdin, limits, arguments=arguments, files=files or {}, collect=collect, optimise=optimise
            )
        except ToolchainMissing as error:
            return Unfit(str(error))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return Unfit(f"disk full: {tempfile.gettempdir()}")
            return Outcome(Verdict.IE, stderr=str(error))  # may pass, such as too many open files: tried elsewhere
        except ValueError as error:
            return Refused(str(error))


def here() -> Place:
    """Of the actor that asks."""
    import ray

    return Place(ray.get_runtime_context().get_node_id(), socket.gethostname(), os.getpid())
