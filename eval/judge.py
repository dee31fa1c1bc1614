"""The judge: one program against the examples and then the hidden tests, in order, until one fails.

Test code counts as one test, the last. Tasks with inputs only need `eval.input_only.ready` first, which the judge does
where nobody did; whoever judges many programs does it once.

The examples are part of the judge's tests on every contest site; with few hidden tests they also catch programs
that pass those by luck.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from eval.cases import Case, Group
from eval.input_only import ReferenceFailed, called_program, passes_at_once, ready
from eval.task import Task, TestCode
from sandbox import Checker, CheckerFailed, Limits, Outcome, Program, Runner, Verdict, make_checker


class Tester(Runner, Protocol):
    """What runs test code: the sandbox."""

    async def check(self, program: Program, test_source: str, limits: Limits, *, prelude: str = "") -> Outcome:
        """See `Sandbox.check`."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """verdict: AC when every test passed, else that of the failing test; IE is ours and says nothing of the program.

    failing_test: index from 0 among the examples, then the hidden tests. cpu_seconds: the most that one test took.
    """

    verdict: Verdict
    tests_passed: int
    tests: int
    failing_test: int | None
    cpu_seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One run on one case. detail: one line for people. score: the validator's, if it gave one.

    settled: the verdict stands whatever time the program took (an interactor had already refused it).
    """

    case: Case
    verdict: Verdict
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    memory_bytes: int = 0
    detail: str = ""
    score: float | None = None
    settled: bool = False

    def within(self, cpu_seconds: float) -> CaseResult:
        """The result under a time limit that is lower than the one it was run with."""
        late = self.cpu_seconds > cpu_seconds and not self.settled
        if not late or self.verdict in (Verdict.IE, Verdict.CE, Verdict.TLE):
            return self
        return replace(self, verdict=Verdict.TLE, detail="")


def cases_of(task: Task) -> Group:
    """The examples, then the hidden tests, as a judge walks them; of a package all of its groups.

    Where the statement and the data set, or two tests, give different outputs for one input, each of them is right:
    both come from solutions that were accepted.
    """
    if task.data is not None:
        return task.data
    answers: dict[str, dict[bytes, None]] = {}
    for example in task.problem.examples:
        answers.setdefault(example.input.strip(), {})[_bytes(example.output)] = None
    for test in task.tests:
        answers.setdefault(test.input.strip(), {}).update(dict.fromkeys(map(_bytes, test.outputs)))
    named = [(f"example/{number}", example.input) for number, example in enumerate(task.problem.examples, 1)]
    named += [(f"hidden/{number}", test.input) for number, test in enumerate(task.tests, 1)]
    return Group("", tuple(Case(name, _bytes(given), tuple(answers[given.strip()])) for name, given in named))


async def judge(task: Task, program: Program, sandbox: Tester, *, time_factor: float = 1.0) -> Judgement:
    """Judges on the examples and the hidden tests, stopping at the first failure.

    time_factor: times the CPU seconds of every test. IE when the task itself is broken. Raises ValueError for a task
    without hidden tests, on which every program would pass.
    """
    if not task.is_judgeable:
        raise ValueError(f"{task.problem.name!r} has no hidden tests")
    try:
        task = await ready(task, sandbox)
    except ReferenceFailed as error:
        return Judgement(Verdict.IE, 0, 1, None, 0.0, str(error))
    checker = make_checker(task.checker or task.problem.checker, sandbox)
    limits = task.problem.limits(time_factor)
    cases = list(cases_of(task).cases())
    shown = len(task.problem.examples) if task.reference is not None else len(cases)
    total = len(cases) + (task.code is not None)
    judged = await _walk(cases[:shown], 0, total, program, sandbox, limits, checker)
    if task.reference is not None and judged.verdict is Verdict.AC:
        if await passes_at_once(task, program, sandbox, limits, checker):
            return replace(judged, tests_passed=total)
        called = called_program(task.reference, program)
        judged = await _walk(cases[shown:], shown, total, called, sandbox, limits, checker)
    if task.code is not None and judged.verdict is Verdict.AC:
        judged = await _checked(task.code, program, sandbox, time_factor, judged)
    return judged


async def _walk(
    cases: list[Case], first: int, total: int, program: Program, sandbox: Runner, limits: Limits, checker: Checker
) -> Judgement:
    """The cases in order; the first of them is number `first` of `total`."""
    cpu_seconds = 0.0
    for index, case in enumerate(cases, first):
        result = await judge_case(case, program, sandbox, limits, checker)
        cpu_seconds = max(cpu_seconds, result.cpu_seconds)
        if result.verdict is not Verdict.AC:
            return Judgement(result.verdict, index, total, index, cpu_seconds, result.detail)
    return Judgement(Verdict.AC, first + len(cases), total, None, cpu_seconds)


async def _checked(
    code: TestCode, program: Program, sandbox: Tester, time_factor: float, before: Judgement
) -> Judgement:
    limits = replace(code.limits, cpu_seconds=code.limits.cpu_seconds * time_factor)
    outcome = await sandbox.check(program, code.source, limits, prelude=code.prelude)
    cpu_seconds = max(before.cpu_seconds, outcome.cpu_seconds)
    if outcome.verdict is Verdict.AC:
        return replace(before, tests_passed=before.tests, cpu_seconds=cpu_seconds)
    last = before.tests - 1
    return Judgement(outcome.verdict, last, before.tests, last, cpu_seconds, _last_line(outcome))


async def judge_case(case: Case, program: Program, sandbox: Runner, limits: Limits, checker: Checker) -> CaseResult:
    """Runs the program on one case and has its output checked. Raises UserError for test data that cannot be read."""
    given = case.input()
    outcome = await sandbox.run(program, given, limits)
    result = result_of(case, outcome)
    if outcome.verdict is not Verdict.OK:
        return result
    message = ""
    try:
        for expected in case.outputs():
            ruling = await checker.rule(given, expected, outcome.output, case.flags)
            if ruling.accepted:
                return replace(result, verdict=Verdict.AC, detail=ruling.message, score=ruling.score)
            message = message or ruling.message
    except CheckerFailed as error:
        return replace(result, verdict=Verdict.IE, detail=str(error))
    return replace(result, verdict=Verdict.WA, detail=message)


def result_of(case: Case, outcome: Outcome) -> CaseResult:
    """The figures of a run, with its own verdict and the last line it wrote to stderr."""
    detail = "" if outcome.verdict is Verdict.OK else _last_line(outcome)
    return CaseResult(
        case, outcome.verdict, outcome.cpu_seconds, outcome.wall_seconds, outcome.peak_memory_bytes, detail
    )


def _last_line(outcome: Outcome) -> str:
    return outcome.stderr.strip().rpartition("\n")[2][:200]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
