"""The judge stops at the first failing test and keeps its own faults apart from the program's."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.judge import judge
from eval.task import HiddenTest, Task, load_task
from sandbox import CheckerSpec, Limits, Outcome, Program, Sandbox, Verdict
from solver.problem import Example, Problem

TESTS = (HiddenTest("1", ("1",)), HiddenTest("2", ("2",)), HiddenTest("3", ("3", "three")))


class Script:
    """A sandbox whose outcomes are written down per input; a `check` program gets the checker's outcome."""

    def __init__(self, outcomes: dict[bytes, Outcome], checker: Outcome | None = None) -> None:
        self.outcomes = outcomes
        self.checker = checker
        self.inputs: list[bytes] = []
        self.limits: Limits | None = None

    async def run(self, program: Program, stdin: bytes, limits: Limits) -> Outcome:
        if program.entry_point == "check" and self.checker is not None:
            return self.checker
        self.inputs.append(stdin)
        self.limits = limits
        return self.outcomes[stdin]


def ok(output: bytes, cpu_seconds: float = 0.1) -> Outcome:
    return Outcome(Verdict.OK, output, cpu_seconds=cpu_seconds)


def task(tests: tuple[HiddenTest, ...] = TESTS, **fields: object) -> Task:
    return Task(Problem.model_validate({"name": "p", "statement": "s", **fields}), tests)


async def test_a_program_right_on_every_test_is_accepted_with_its_worst_time() -> None:
    sandbox = Script({b"1": ok(b"1\n"), b"2": ok(b"2", 0.7), b"3": ok(b"3")})
    judgement = await judge(task(), task().problem.program("python", ""), sandbox)
    assert (judgement.verdict, judgement.tests_passed, judgement.failing_test) == (Verdict.AC, 3, None)
    assert judgement.cpu_seconds == 0.7


async def test_any_of_several_expected_outputs_will_do() -> None:
    sandbox = Script({b"3": ok(b"three")})
    assert (await judge(task(TESTS[2:]), task().problem.program("python", ""), sandbox)).verdict is Verdict.AC


@pytest.mark.parametrize("output", [b"1 2", b"2 1"])
async def test_two_outputs_of_one_input_are_both_right(output: bytes) -> None:
    contradicting = task((HiddenTest("5", ("2 1",)),), examples=[Example(input="5\n", output="1 2\n")])
    sandbox = Script({b"5\n": ok(output), b"5": ok(output)})
    assert (await judge(contradicting, task().problem.program("python", ""), sandbox)).verdict is Verdict.AC


async def test_a_third_output_of_that_input_is_wrong() -> None:
    contradicting = task((HiddenTest("5", ("2 1",)),), examples=[Example(input="5\n", output="1 2\n")])
    sandbox = Script({b"5\n": ok(b"3 3")})
    assert (await judge(contradicting, task().problem.program("python", ""), sandbox)).verdict is Verdict.WA


async def test_nothing_runs_after_the_first_wrong_answer() -> None:
    sandbox = Script({b"1": ok(b"1"), b"2": ok(b"3")})
    judgement = await judge(task(), task().problem.program("python", ""), sandbox)
    assert (judgement.verdict, judgement.tests_passed, judgement.failing_test) == (Verdict.WA, 1, 1)
    assert sandbox.inputs == [b"1", b"2"]


@pytest.mark.parametrize("verdict", [Verdict.TLE, Verdict.MLE, Verdict.RTE, Verdict.OLE, Verdict.CE, Verdict.IE])
async def test_a_right_output_does_not_excuse_a_failed_run(verdict: Verdict) -> None:
    sandbox = Script({b"1": Outcome(verdict, b"1")})
    assert (await judge(task(), task().problem.program("python", ""), sandbox)).verdict is verdict


async def test_a_broken_checker_is_an_internal_error_not_a_wrong_answer() -> None:
    checked = task(checker=CheckerSpec(kind="python", source="def check(i, e, a): return 1"))
    sandbox = Script({b"1": ok(b"1")}, checker=Outcome(Verdict.OK, b"1"))
    judgement = await judge(checked, checked.problem.program("python", ""), sandbox)
    assert judgement.verdict is Verdict.IE
    assert "checker" in judgement.detail


async def test_the_expected_output_never_enters_the_run() -> None:
    sandbox = Script({b"in": ok(b"canary")})
    await judge(task((HiddenTest("in", ("canary",)),)), task().problem.program("python", "x"), sandbox)
    assert sandbox.inputs == [b"in"]


async def test_the_problems_limits_apply_times_the_factor() -> None:
    sandbox = Script({b"1": ok(b"1")})
    limited = task(TESTS[:1], time_limit_seconds=3, memory_limit_bytes=2**26)
    await judge(limited, limited.problem.program("python", ""), sandbox, time_factor=2)
    assert sandbox.limits == Limits(cpu_seconds=6, memory_bytes=2**26)


async def test_a_task_without_tests_accepts_nobody() -> None:
    with pytest.raises(ValueError, match="no hidden tests"):
        await judge(task(()), task().problem.program("python", ""), Script({}))


def test_a_program_runs_in_the_mode_of_its_problem() -> None:
    called = task(mode="function", entry_point="f")
    assert called.problem.program("python", "s") == Program("python", "s", "function", "f")


async def test_the_bundled_reference_solutions_pass_their_own_hidden_tests() -> None:
    examples = sorted((Path(__file__).parents[2] / "examples").glob("*/problem.json"))
    assert examples
    async with Sandbox() as sandbox:
        for path in examples:
            bundled = load_task(path)
            solution = bundled.problem.program("python", (path.parent / "solution.py").read_text(encoding="utf-8"))
            assert (await judge(bundled, solution, sandbox)).verdict is Verdict.AC, path


async def test_a_program_that_fails_an_example_is_not_right_however_lucky_it_is_on_the_hidden_tests():
    problem = Problem(name="double", statement="Double it.", examples=[Example(input="3", output="6")])
    task = Task(problem, (HiddenTest("2", ("4",)),))

    class Squares:
        async def run(self, program, stdin, limits):
            return Outcome(Verdict.OK, str(int(stdin) ** 2).encode())

    judgement = await judge(task, task.problem.program("python", ""), Squares())
    assert (judgement.verdict, judgement.failing_test) == (Verdict.WA, 0)
