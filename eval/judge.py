"""The judge: one program against the examples and then the hidden tests, in order, until one fails.

The examples are part of the judge's tests on every contest site; with few hidden tests they also catch programs
that pass those by luck.
"""

from __future__ import annotations

from dataclasses import dataclass

from eval.task import HiddenTest, Task
from sandbox import Checker, CheckerFailed, Limits, Outcome, Program, Verdict, make_checker
from sandbox.checkers import Runner


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


def program_for(task: Task, language: str, source: str) -> Program:
    """The program as the problem's mode runs it."""
    problem = task.problem
    return Program(language, source, problem.mode, problem.entry_point, problem.input_file, problem.output_file)


async def judge(task: Task, program: Program, sandbox: Runner, *, time_factor: float = 1.0) -> Judgement:
    """Judges on the examples and the hidden tests, stopping at the first failure.

    Raises ValueError for a task without hidden tests, on which every program would pass.
    """
    if not task.tests:
        raise ValueError(f"{task.problem.name!r} has no hidden tests")
    checker = make_checker(task.problem.checker, sandbox)
    limits = task.problem.limits(time_factor)
    cpu_seconds = 0.0
    examples = (HiddenTest(example.input, (example.output,)) for example in task.problem.examples)
    tests = (*examples, *task.tests)
    for index, test in enumerate(tests):
        verdict, outcome, detail = await _verdict(test, program, sandbox, limits, checker)
        cpu_seconds = max(cpu_seconds, outcome.cpu_seconds)
        if verdict is not Verdict.AC:
            return Judgement(verdict, index, len(tests), index, cpu_seconds, detail)
    return Judgement(Verdict.AC, len(tests), len(tests), None, cpu_seconds)


async def _verdict(
    test: HiddenTest, program: Program, sandbox: Runner, limits: Limits, checker: Checker
) -> tuple[Verdict, Outcome, str]:
    given = _bytes(test.input)
    outcome = await sandbox.run(program, given, limits)
    if outcome.verdict is not Verdict.OK:
        return outcome.verdict, outcome, outcome.stderr.strip().rpartition("\n")[2][:200]
    try:
        for expected in test.outputs:
            if await checker.accepts(given, _bytes(expected), outcome.output):
                return Verdict.AC, outcome, ""
    except CheckerFailed as error:
        return Verdict.IE, outcome, str(error)
    return Verdict.WA, outcome, ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
