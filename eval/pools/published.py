"""The protocol of CodeT's release, on our sandbox: what its published rows were measured with.

It differs from `solve select` in what is run and in how ties count. A program is the prompt and the completion, with
nothing that our function mode adds (names of `typing`); every assertion that mentions the function is a test, whatever
it says; of each of the model's test answers the first five count; and where programs tie, one of them is drawn, so that
a figure is an expectation over all of the best set instead of one choice (CodeT, arXiv 2207.10397, sections 2 and 4.1).

Not covered: forged results. Assertions run in the candidate's process here, as in the release.
"""

from __future__ import annotations

import asyncio
import json
import math
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from clustering.model_tests import parse_model_tests
from sandbox import Limits, Program, Verdict
from sandbox.batch import Runner

STOP_WORDS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
TESTS_AN_ANSWER = 5
TEST_SECONDS = 0.1  # of CPU time; the release waits so long by the clock
CHECK_SECONDS = 3.0
_LATE_TESTS = 10  # in a row, after which the rest fails: such a program loops for ever
_LIMITS = Limits(cpu_seconds=30.0, memory_bytes=2**30)

_TESTER = """
import hashlib, io, json, signal, sys
class Late(BaseException): pass
def late(*_): raise Late
def main():
    say, hear, sys.stdout = sys.stdout, json.loads(sys.stdin.read()), io.StringIO()
    sys.stdin = io.StringIO()
    signal.signal(signal.SIGPROF, late)
    space, behind = {"__name__": "candidate"}, 0
    def timed(text, mode, seconds):
        nonlocal behind
        if behind >= hear["late"]: return None, "late"
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            try: value = eval(compile(text, mode, mode), space)
            finally: signal.setitimer(signal.ITIMER_PROF, 0)
            behind = 0
            return value, ""
        except Late: behind += 1; return None, "late"
        except BaseException as error: behind = 0; return None, type(error).__name__
    def output(call):
        value, fault = timed("repr(" + call + ")", "eval", hear["seconds"])
        return "!" + fault if fault else hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:16]
    fault = timed(hear["program"], "exec", 1.0)[1]
    marks = ["0" if fault or timed(test, "exec", hear["seconds"])[1] else "1" for test in hear["tests"]]
    behind = 0
    outputs = ["!" + fault if fault else output(call) for call in hear["calls"]]
    say.write(json.dumps(["".join(marks), outputs]))
main()
"""


@dataclass(frozen=True, slots=True)
class Ran:
    """One problem of the pool, executed.

    copies: shape (programs,), samples that gave each program. right: shape (programs,), by the hidden tests.
    passed: per program the tests that it passes. weight: how often the model wrote each test.
    outputs: per program and call that the tests make, the output's digest, or `!` and the fault.
    """

    name: str
    copies: tuple[int, ...]
    right: tuple[bool, ...]
    passed: tuple[frozenset[int], ...]
    weight: tuple[int, ...]
    outputs: tuple[tuple[str, ...], ...]


def cut(text: str) -> str:
    """A completion up to where another definition or statement begins."""
    return text[: min((at for stop in STOP_WORDS if (at := text.find(stop)) >= 0), default=len(text))]


def assertions(answer: str, entry_point: str) -> Iterator[str]:
    """The statements of an answer that continues the text `assert `, those that compile and mention the function."""
    for part in f"assert {answer}".split("assert "):
        text = cut(f"assert {part}".strip()).strip()
        if entry_point.strip() in part and part.strip() and _compiles(text):
            yield text


def _compiles(statement: str) -> bool:
    try:
        compile("try:\n    " + statement.replace("\n", "\n    ") + "\nexcept:\n    pass\n", "", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


async def run_problem(record: Mapping[str, Any], test_code: str, sandbox: Runner) -> Ran:
    """record: a line of CodeT's pool. test_code: HumanEval's `test` field. Raises what the sandbox raises."""
    entry_point = record["entry_point"]
    programs = Counter(record["prompt"] + cut(sample) for sample in record["samples"])
    tests: Counter[str] = Counter()
    for answer in record["generated_tests"]:
        tests.update(list(assertions(answer, entry_point))[:TESTS_AN_ANSWER])
    inputs = dict.fromkeys(given for given, _, _ in parse_model_tests(record["generated_tests"], entry_point))
    calls = [f"{entry_point}({given})" for given in inputs]
    room = asyncio.Semaphore(2 * sandbox.workers)

    async def one(source: str) -> tuple[bool, frozenset[int], tuple[str, ...]]:
        async with room:
            right = await _passes(source, f"{test_code}\ncheck({entry_point})", sandbox)
            return right, *await _observe(source, list(tests), calls, sandbox)

    found = await asyncio.gather(*map(one, programs))
    return Ran(
        record["task_id"],
        tuple(programs.values()),
        tuple(right for right, _, _ in found),
        tuple(passed for _, passed, _ in found),
        tuple(tests.values()),
        tuple(outputs for _, _, outputs in found),
    )


async def _passes(source: str, check: str, sandbox: Runner) -> bool:
    word = secrets.token_hex(8)  # a program that ends before its tests have ended has not passed them
    text = f"{source}\n{check}\n__import__('sys').__stdout__.write('\\n{word}')\n"
    limits = Limits(cpu_seconds=CHECK_SECONDS, memory_bytes=_LIMITS.memory_bytes)
    outcome = await sandbox.run(Program("python", text), b"", limits, optimise="full")
    return outcome.verdict is Verdict.OK and outcome.output.endswith(word.encode())


async def _observe(
    source: str, tests: Sequence[str], calls: Sequence[str], sandbox: Runner
) -> tuple[frozenset[int], tuple[str, ...]]:
    """Which tests it passes, and what its calls return."""
    told = {"program": source, "tests": tests, "calls": calls, "seconds": TEST_SECONDS, "late": _LATE_TESTS}
    outcome = await sandbox.run(Program("python", _TESTER), json.dumps(told).encode(), _LIMITS, optimise="full")
    if outcome.verdict is not Verdict.OK or not outcome.output:  # it may have ended the process
        return frozenset(), (f"!{outcome.verdict}",) * len(calls)
    marks, outputs = json.loads(outcome.output)
    return frozenset(index for index, mark in enumerate(marks) if mark == "1"), tuple(outputs)


# --- what is made of it ---------------------------------------------------------------------------


def random(ran: Ran) -> float:
    """Any sample: pass@1."""
    return _drawn(ran, range(len(ran.copies)))


def codet(ran: Ran) -> float:
    """A sample of the consensus set with the highest sqrt(samples) · tests passed, copies counted in both. Programs
    that pass no test are in no set; where there is no set, any sample."""
    sets = _groups(ran.passed, keep=bool)
    score = {
        passed: math.sqrt(sum(ran.copies[i] for i in members)) * sum(ran.weight[test] for test in passed)
        for passed, members in sets.items()
    }
    return _drawn(ran, _best(sets, score)) if sets else random(ran)


def largest(ran: Ran, *, failing: bool, alike: bool = False) -> float:
    """A sample of the largest set of equal outputs. failing: also sets that fail on every call. alike: all faults are
    one output, whatever was raised."""
    rows = [tuple(said[:1] if alike and said.startswith("!") else said for said in row) for row in ran.outputs]
    sets = _groups(rows, keep=lambda row: failing or any(not said.startswith("!") for said in row))
    return _drawn(ran, _best(sets, {row: _samples(ran, found) for row, found in sets.items()})) if sets else random(ran)


def mbr(ran: Ran) -> float:
    """A sample with the most agreement on outputs; a fault agrees with nothing (Shi et al., arXiv 2204.11454)."""
    mass: Counter[tuple[int, str]] = Counter()
    for copies, row in zip(ran.copies, ran.outputs, strict=True):
        mass.update({(column, said): copies for column, said in enumerate(row) if not said.startswith("!")})
    agreement = [sum(mass[at] for at in enumerate(row)) for row in ran.outputs]
    return _drawn(ran, [index for index, value in enumerate(agreement) if value == max(agreement)])


def oracle(ran: Ran) -> float:
    """Whether any sample is right."""
    return float(any(ran.right))


Row = TypeVar("Row")


def _groups(rows: Sequence[Row], keep: Callable[[Row], bool]) -> dict[Row, list[int]]:
    groups: dict[Row, list[int]] = {}
    for index, row in enumerate(rows):
        if keep(row):
            groups.setdefault(row, []).append(index)
    return groups


def _samples(ran: Ran, members: Iterable[int]) -> int:
    return sum(ran.copies[index] for index in members)


def _best(sets: Mapping[Row, list[int]], score: Mapping[Row, float]) -> list[int]:
    """All members of all sets with the highest score."""
    best = max(score.values())
    return [index for row, members in sets.items() if score[row] == best for index in members]


def _drawn(ran: Ran, members: Iterable[int]) -> float:
    """P(right) of a sample drawn from these programs."""
    members = list(members)
    return _samples(ran, (index for index in members if ran.right[index])) / _samples(ran, members)
