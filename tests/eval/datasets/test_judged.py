"""The judge judges every kind of hidden test: right programs pass, wrong ones fail, none by accident."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from eval.datasets import DatasetSpec, tasks
from eval.input_only import ReferenceFailed, ready
from eval.judge import judge
from eval.task import Task
from sandbox import Sandbox, Verdict
from tests.eval.packages import package

from . import records

RIGHT = "def double(x):\n    return 2 * x\n"
WRONG = "def double(x):\n    return 2 if x == 1 else 41\n"  # right on the example


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(1) as box:
        yield box


pytestmark = pytest.mark.asyncio(loop_scope="module")


def task_of(tmp_path: Path, name: str, record: records.Record) -> Task:
    path = records.lines(tmp_path / "data.jsonl", record)
    (task,) = tasks(DatasetSpec(name=name, path=str(path)))
    assert isinstance(task, Task)
    return task


async def verdict(task: Task, source: str, sandbox: Sandbox) -> Verdict:
    return (await judge(task, task.problem.program("python", source), sandbox)).verdict


@pytest.mark.parametrize(
    ("name", "record"),
    [("humaneval", records.humaneval()), ("mbpp", records.mbpp()), ("mbpp_plus", records.mbpp_plus())],
)
async def test_functions_are_judged(tmp_path: Path, sandbox: Sandbox, name: str, record: records.Record) -> None:
    task = task_of(tmp_path, name, record)
    accepted = await judge(task, task.problem.program("python", RIGHT), sandbox)
    assert (accepted.verdict, accepted.tests_passed) == (Verdict.AC, accepted.tests)
    refused = await judge(task, task.problem.program("python", WRONG), sandbox)
    assert refused.verdict is Verdict.WA
    assert refused.failing_test is not None
    assert refused.failing_test >= len(task.problem.examples)  # by a hidden test, not by an example


async def test_methods_are_judged_by_test_code_that_uses_its_prelude(tmp_path: Path, sandbox: Sandbox) -> None:
    task = task_of(tmp_path, "leetcode", records.leetcode())
    method = "class Solution:\n    def double(self, x):\n        return {}\n"
    assert await verdict(task, method.format("2 * x"), sandbox) is Verdict.AC
    assert await verdict(task, method.format("2 if x == 1 else 41"), sandbox) is Verdict.WA


async def test_the_hub_editions_of_plus_are_scripts_of_inputs_and_results(tmp_path: Path, sandbox: Sandbox) -> None:
    script = (
        "inputs = [[20], [-3]]\nresults = [40, -6]\nfor i, r in zip(inputs, results):\n    assert double(*i) == r\n"
    )
    record = records.mbpp(prompt="Double it.", test=script, test_imports=["import math"])
    task = task_of(tmp_path, "mbpp_plus", record)
    assert await verdict(task, RIGHT, sandbox) is Verdict.AC
    assert await verdict(task, WRONG, sandbox) is Verdict.WA


async def test_inputs_that_break_the_contract_are_no_tests(tmp_path: Path, sandbox: Sandbox) -> None:
    task = await ready(task_of(tmp_path, "mbpp_plus", records.mbpp_plus()), sandbox)
    assert [(test.input, test.outputs) for test in task.tests] == [("1", ("2",)), ("20", ("40",)), ("-3", ("-6",))]
    assert await ready(task, sandbox) is task  # the reference runs once


async def test_a_slow_set_of_calls_is_judged_call_by_call(tmp_path: Path, sandbox: Sandbox) -> None:
    """Each call keeps the limit, all of them together do not."""
    slow = "def double(x):\n    for _ in range(25_000_000):\n        pass\n    return 2 * x\n"
    task = task_of(tmp_path, "mbpp_plus", records.mbpp_plus(plus_input=[[number] for number in range(2, 8)]))
    assert await verdict(task, slow, sandbox) is Verdict.AC


async def test_a_broken_reference_is_no_verdict_about_the_program(tmp_path: Path, sandbox: Sandbox) -> None:
    broken = records.mbpp_plus(canonical_solution="\nraise SystemExit(3)\ndef double(x):\n    return 2 * x\n")
    task = task_of(tmp_path, "mbpp_plus", broken)
    with pytest.raises(ReferenceFailed):
        await ready(task, sandbox)
    assert await verdict(task, RIGHT, sandbox) is Verdict.IE


async def test_a_package_is_judged_by_its_own_validator(tmp_path: Path, sandbox: Sandbox) -> None:
    """The validator accepts any even number, so only the package's own checker tells right from wrong."""
    validator = "import sys\nwanted = sys.stdin.read()\nsys.exit(42 if int(wanted) % 2 == 0 else 43)\n"
    package(
        tmp_path / "packages" / "double",
        {
            "problem.yaml": "name: Double\nvalidation: custom\nlimits: {time_limit: 2}\n",
            "problem_statement/problem.en.tex": "\\problemname{Double} Print an even number.",
            "output_validators/validate.py": validator,
        },
    )
    (task,) = tasks(DatasetSpec(name="kattis", path=str(tmp_path / "packages")))
    assert isinstance(task, Task)
    assert task.hidden_tests == 2
    assert await verdict(task, "print(1000)", sandbox) is Verdict.AC
    assert await verdict(task, "print(1001)", sandbox) is Verdict.WA
