"""The nouns of the sandbox: programs, limits and inputs go in, outcomes come out.

Nothing here knows an expected output; whether an output is right is decided outside (`sandbox.checkers`).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

_WALL_PER_CPU_SECOND = 20.0

Mode = Literal["stdio", "file", "function"]

ACCEPTED, REJECTED = 42, 43  # exit codes of Kattis output validators and interactors


class Verdict(StrEnum):
    """What came of one execution. The sandbox itself never says AC or WA: only a checker does."""

    OK = "OK"  # ran to its end within the limits; the output has not been checked
    AC = "AC"
    WA = "WA"
    TLE = "TLE"
    MLE = "MLE"
    RTE = "RTE"
    OLE = "OLE"
    CE = "CE"
    IE = "IE"  # internal error: our fault, never the program's


@dataclass(frozen=True, slots=True)
class Program:
    """An untrusted program.

    In `function` mode the input of a run is the argument text of a Python call (`[2, 3], k=5`) and the
    output is the returned value as a Python literal; `entry_point` is `f` or `Solution().f`.
    In `file` mode the program reads `input_file` and writes `output_file` in its scratch directory.
    files: (name, text) of what lies beside the source: further sources, headers, modules.
    """

    language: str
    source: str
    mode: Mode = "stdio"
    entry_point: str = ""
    input_file: str = ""
    output_file: str = ""
    files: tuple[tuple[str, str], ...] = ()

    @property
    def digest(self) -> str:
        """Hex SHA-256 over every field: equal digests run equally."""
        plain = (self.language, self.mode, self.entry_point, self.input_file, self.output_file, self.source)
        parts = itertools.chain(plain, *self.files)
        framed = b"".join(
            len(raw).to_bytes(8, "big") + raw for raw in (p.encode("utf-8", "surrogatepass") for p in parts)
        )
        return hashlib.sha256(framed).hexdigest()


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one execution. Time verdicts come from CPU time; the wall limit is a backstop for sleepers."""

    cpu_seconds: float = 2.0
    memory_bytes: int = 256 * 2**20
    output_bytes: int = 16 * 2**20
    wall_seconds: float | None = None

    @property
    def wall_backstop_seconds(self) -> float:
        """Generous by default, so that an oversubscribed machine does not change a verdict."""
        return self.wall_seconds if self.wall_seconds is not None else 10.0 + 10.0 * self.cpu_seconds

    @property
    def stretch(self) -> float:
        """Wall seconds more for each CPU second used: a program that computes is starved, not asleep."""
        return _WALL_PER_CPU_SECOND if self.wall_seconds is None else 0.0

    @property
    def longest_seconds(self) -> float:
        """Wall seconds after which a run has been ended, whatever it does (it may use 1.25 times its CPU limit)."""
        return self.wall_backstop_seconds + 1.25 * self.stretch * self.cpu_seconds


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one execution did.

    output: stdout (`stdio`), the output file (`file`) or the returned value's literal (`function`).
    stderr: the last 2 KiB, decoded; the compiler's message when the verdict is CE.
    files: those of the files asked for that the program left, by name.
    """

    verdict: Verdict
    output: bytes = b""
    stderr: str = ""
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_memory_bytes: int = 0
    exit_code: int | None = None
    signal: int | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def output_digest(self) -> str:
        """Hex BLAKE2b-128 of the output."""
        return hashlib.blake2b(self.output, digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Interaction:
    """What became of a program that talked to an interactor.

    outputs: of each outcome, the first 64 KiB that the side wrote. first: who ended first. deadlock: neither
    had ended, both waited for the other, and both were ended for it.
    """

    program: Outcome
    interactor: Outcome
    first: Literal["program", "interactor"]
    deadlock: bool = False

    @property
    def verdict(self) -> Verdict:
        """By Kattis' rules: the interactor accepts (exit code 42) or rejects (43). What the program did counts when it
        broke a limit, or crashed before the interactor had ended. IE when the interactor failed."""
        accepted, rejected = (self.interactor.exit_code == code for code in (ACCEPTED, REJECTED))
        if self.program.verdict in (Verdict.CE, Verdict.IE, Verdict.OLE) or self.deadlock:
            return self.program.verdict
        if self.interactor.verdict in (Verdict.CE, Verdict.IE, Verdict.OLE):
            return Verdict.IE
        if self.first == "interactor" and not accepted:
            return Verdict.WA if rejected else Verdict.IE
        if self.program.verdict is not Verdict.OK and (
            self.first == "program" or self.program.verdict is not Verdict.RTE
        ):
            return self.program.verdict
        if rejected:
            return Verdict.WA
        return Verdict.AC if accepted else Verdict.IE


class SandboxUnavailable(RuntimeError):
    """The machine cannot confine programs to the floor (Landlock or namespaces, seccomp, rlimits)."""
