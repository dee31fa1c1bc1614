"""The judge: one program against the examples and then the hidden tests, in order, until one fails.

The examples are part of the judge's tests on every contest site; with few hidden tests they also catch programs
that pass those by luck.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from eval.cases import Case, Group
from eval.task import Task
from sandbox import Checker, CheckerFailed, Limits, Outcome, Program, Runner, Verdict, make_checker


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


def program_for(task: Task, language: str, source: str, files: tuple[tuple[str, str], ...] = ()) -> Program:
    """The program as the problem's mode runs it. files: (name, text) of what lies beside it."""
    problem = task.problem
    return Program(language, source, problem.mode, problem.entry_point, problem.input_file, problem.output_file, files)


def cases_of(task: Task) -> Group:
    """The examples, then the hidden tests, as a judge walks them."""
    examples = (
        Case(f"example/{number}", _bytes(example.input), (_bytes(example.output),))
        for number, example in enumerate(task.problem.examples, 1)
    )
    hidden = (
        Case(f"hidden/{number}", _bytes(test.input), tuple(map(_bytes, test.outputs)))
        for number, test in enumerate(task.tests, 1)
    )
    return Group("", (*examples, *hidden))


async def judge(task: Task, program: Program, sandbox: Runner, *, time_factor: float = 1.0) -> Judgement:
    """Judges on the examples and the hidden tests, stopping at the first failure.

    Raises ValueError for a task without hidden tests, on which every program would pass.
    """
    if not task.tests:
        raise ValueError(f"{task.problem.name!r} has no hidden tests")
    checker = make_checker(task.problem.checker, sandbox)
    limits = task.problem.limits(time_factor)
    cpu_seconds = 0.0
    cases = list(cases_of(task).cases())
    for index, case in enumerate(cases):
        result = await judge_case(case, program, sandbox, limits, checker)
        cpu_seconds = max(cpu_seconds, result.cpu_seconds)
        if result.verdict is not Verdict.AC:
            return Judgement(result.verdict, index, len(cases), index, cpu_seconds, result.detail)
    return Judgement(Verdict.AC, len(cases), len(cases), None, cpu_seconds)


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
    detail = "" if outcome.verdict is Verdict.OK else outcome.stderr.strip().rpartition("\n")[2][:200]
    return CaseResult(
        case, outcome.verdict, outcome.cpu_seconds, outcome.wall_seconds, outcome.peak_memory_bytes, detail
    )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
