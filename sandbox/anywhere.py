"""What the engine needs of a sandbox, wherever it is: `Sandbox` on this machine, or one that spans many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sandbox.isolation import IsolationReport
from sandbox.languages import Level
from sandbox.types import Limits, Outcome, Program


class AnySandbox(Protocol):
    """See `Sandbox`, whose members these are."""

    @property
    def workers(self) -> int:
        """How many programs can run at once."""

    @property
    def languages(self) -> frozenset[str]:
        """In which programs can be."""

    @property
    def isolation(self) -> IsolationReport:
        """What confines programs."""

    async def run(
        self,
        program: Program,
        stdin: bytes,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        files: Mapping[str, bytes] = ...,
        collect: Sequence[str] = (),
        optimise: Level = "full",
    ) -> Outcome: ...
