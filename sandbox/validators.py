"""Checkers that are programs. They come with data sets and are hostile like any other, so they run in the sandbox.

A Kattis output validator is called as `validator input answer directory/ flags… < output`, exits with 42 (right) or 43
(wrong) and leaves files in the directory. A testlib checker is called as `checker input output answer` and exits with
0 (right), 1 or 2 and kin (wrong, badly formed) or 3 (its own fault). Whatever else a checker does says nothing about
the program: `CheckerFailed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sandbox.rulings import CheckerFailed, Ruling
from sandbox.types import Limits, Outcome, Program, Verdict

CHECKER_LIMITS = Limits(cpu_seconds=10.0, memory_bytes=2 * 2**30, output_bytes=2**16)
KATTIS_LIMITS = Limits(cpu_seconds=60.0, memory_bytes=2 * 2**30, output_bytes=8 * 2**20)

FEEDBACK = "feedback/"
JUDGE_MESSAGE, SCORE = FEEDBACK + "judgemessage.txt", FEEDBACK + "score.txt"
COLLECTED = (JUDGE_MESSAGE, SCORE, FEEDBACK + "teammessage.txt", FEEDBACK + "judgeerror.txt")
_INPUT, _ANSWER, _OUTPUT = "judge.in", "judge.ans", "team.out"
_MESSAGE_CHARACTERS = 400


class Runner(Protocol):
    """What a checker that is a program runs in; `Sandbox` is one."""

    async def run(
        self,
        program: Program,
        stdin: bytes,
        limits: Limits,
        *,
        arguments: Sequence[str] = (),
        files: Mapping[str, bytes] = ...,
        collect: Sequence[str] = (),
    ) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class ProgramKind:
    """How one kind of checker speaks with its exit code."""

    name: str
    accepted: frozenset[int]
    wrong: frozenset[int]


PROGRAM_KINDS = {
    "kattis": ProgramKind("kattis", frozenset((42,)), frozenset((43,))),
    # 4: dirt at the end, 8: the output ended early.
    "testlib": ProgramKind("testlib", frozenset((0,)), frozenset((1, 2, 4, 8))),
}


async def rule_by_program(
    runner: Runner,
    kind: ProgramKind,
    program: Program,
    limits: Limits,
    input: bytes,
    answer: bytes,
    output: bytes,
    flags: Sequence[str],
) -> Ruling:
    """Runs a validator or checker on one output. Raises CheckerFailed."""
    arguments, files = kattis_call(input, answer, flags)
    try:
        if kind.name == "kattis":
            return kattis_ruling(
                await runner.run(program, output, limits, arguments=arguments, files=files, collect=COLLECTED)
            )
        files[_OUTPUT] = output
        outcome = await runner.run(program, b"", limits, arguments=(_INPUT, _OUTPUT, _ANSWER), files=files)
    except ValueError as error:  # a file name that leads out of the scratch directory, megabytes of flags
        raise CheckerFailed(f"the checker cannot be run: {error}") from None
    return _ruling(kind, outcome, outcome.stderr)


def kattis_call(input: bytes, answer: bytes, flags: Sequence[str]) -> tuple[tuple[str, ...], dict[str, bytes]]:
    """Arguments and files of a Kattis validator or interactor."""
    return (_INPUT, _ANSWER, FEEDBACK, *flags), {_INPUT: input, _ANSWER: answer}


def kattis_ruling(outcome: Outcome) -> Ruling:
    """What a Kattis validator's or interactor's end means. Raises CheckerFailed."""
    left = {name: text.decode("utf-8", "replace") for name, text in outcome.files.items()}
    ruling = _ruling(PROGRAM_KINDS["kattis"], outcome, left.get(JUDGE_MESSAGE, ""))
    score = left.get(SCORE, "").strip()
    if not (score and ruling.accepted):
        return ruling
    try:
        return Ruling(True, ruling.message, float(score))
    except ValueError:
        raise CheckerFailed(f"the validator left {score[:40]!r} in {SCORE}, not a number") from None


async def rule_by_function(
    runner: Runner, program: Program, limits: Limits, input: bytes, expected: bytes, actual: bytes
) -> Ruling:
    """Calls `check(input, expected, actual)`. Raises CheckerFailed."""
    arguments = ", ".join(ascii(part.decode("utf-8", "surrogateescape")) for part in (input, expected, actual))
    outcome = await runner.run(program, arguments.encode("ascii"), limits)
    answer = outcome.output.strip()
    if outcome.verdict is not Verdict.OK:
        raise CheckerFailed(f"the checker ended with {outcome.verdict}: {_last_line(outcome.stderr)}")
    if answer not in (b"True", b"False"):
        raise CheckerFailed(f"the checker returned {answer[:80]!r}, not True or False")
    return Ruling(answer == b"True")


def _ruling(kind: ProgramKind, outcome: Outcome, message: str) -> Ruling:
    if outcome.verdict is Verdict.CE:
        raise CheckerFailed(f"the checker does not compile: {_one_line(outcome.stderr)}")
    if outcome.verdict in (Verdict.OK, Verdict.RTE) and outcome.signal is None:
        if outcome.exit_code in kind.accepted:
            return Ruling(True, _one_line(message))
        if outcome.exit_code in kind.wrong:
            return Ruling(False, _one_line(message))
    how = f"exit code {outcome.exit_code}" if outcome.signal is None else f"signal {outcome.signal}"
    if outcome.verdict not in (Verdict.OK, Verdict.RTE):
        how = str(outcome.verdict)
    raise CheckerFailed(f"the checker ended with {how}: {_one_line(message) or _last_line(outcome.stderr)}")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MESSAGE_CHARACTERS]


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:200] or "no message"
