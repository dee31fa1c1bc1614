"""From what the fork server saw to a verdict. A pure function: the order of its lines is the policy."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from sandbox.types import Limits, Outcome, Program, Verdict
from sandbox.zygote.candidate import EXIT_OUT_OF_MEMORY
from sandbox.zygote.child import READY

STDERR_BYTES = 2048


class SetupFailed(RuntimeError):
    """The child did not get as far as starting the program."""


@dataclass(slots=True)
class Ended:
    """How a run ended. memory: peak resident bytes, without what an idle server child already has.

    killed: "cpu" or "wall" when the server killed it for that. status: what the child said before it
    started the program. written: bytes of the largest output stream. output: None when the program
    left none (no output file, no returned value). output_error: why its output file cannot be taken.
    """

    code: int | None
    signal: int | None
    cpu: float
    wall: float
    memory: int
    killed: str
    status: bytes
    written: int
    output: bytes | None
    stderr: str
    output_error: str = ""


def judge(program: Program, limits: Limits, ended: Ended, out_of_memory: str = "") -> Outcome:
    """The outcome of a run. Raises SetupFailed when the program never started.

    out_of_memory: what the program's interpreter says on stderr when it ends for want of memory.
    """
    status = ended.status.decode("utf-8", "replace")
    if not status.startswith(READY):
        raise SetupFailed(status.strip() or "the child died before it started the program")
    said = status.removeprefix(READY)
    if said.startswith("setup:"):
        raise SetupFailed(said)
    if said.startswith("arguments:"):
        return _outcome(Verdict.IE, ended, stderr=said)
    if said.startswith("compile:"):
        return _outcome(Verdict.CE, ended, stderr=said.removeprefix("compile:"))
    return _outcome(_verdict(program, limits, ended, out_of_memory), ended)


def _verdict(program: Program, limits: Limits, ended: Ended, out_of_memory: str) -> Verdict:
    # How much a program wrote and held does not depend on load as its time does, so this is asked first.
    if ended.signal == signal.SIGXFSZ or ended.written > limits.output_bytes:
        return Verdict.OLE
    if _out_of_memory(program, limits, ended) or (ended.code and out_of_memory and out_of_memory in ended.stderr):
        return Verdict.MLE
    if ended.killed or ended.cpu > limits.cpu_seconds:
        return Verdict.TLE
    if ended.code != 0 or ended.output_error:
        return Verdict.RTE
    if program.mode == "function" and not ended.output:
        return Verdict.RTE
    return Verdict.OK


def _out_of_memory(program: Program, limits: Limits, ended: Ended) -> bool:
    too_much = ended.memory > limits.memory_bytes
    if program.language == "python":
        # Python turns a failed allocation into an exception: its SIGSEGV is an overflown stack.
        return ended.code == EXIT_OUT_OF_MEMORY or (too_much and ended.signal != signal.SIGSEGV)
    return too_much or (ended.signal == signal.SIGABRT and "std::bad_alloc" in ended.stderr)


def _outcome(verdict: Verdict, ended: Ended, stderr: str | None = None) -> Outcome:
    text = ended.stderr if stderr is None else stderr
    if verdict is Verdict.RTE and ended.output_error:
        text = f"{text}{ended.output_error}\n"
    elif verdict is Verdict.RTE and ended.code == 0:
        text = f"{text}the program ended without returning a value\n"
    return Outcome(
        verdict=verdict,
        output=b"" if verdict is Verdict.OLE else ended.output or b"",
        stderr=text[-STDERR_BYTES:],
        cpu_seconds=ended.cpu,
        wall_seconds=ended.wall,
        peak_memory_bytes=ended.memory,
        exit_code=ended.code,
        signal=ended.signal,
    )
