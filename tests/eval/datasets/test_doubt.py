"""Signs that a right program may give another output than the expected one."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.datasets import DatasetSpec, doubtful, tasks
from eval.task import HiddenTest, Task
from solver.problem import Problem

# README, note 2, of the shared data: several answers are valid, found by comparing outputs with the statements'.
SEVERAL_ANSWERS = [
    "1579_B",
    "1579_D",
    "1582_D",
    "1586_A",
    "1586_B",
    "1586_F",
    "1594_A",
    "1594_C",
    "1599_A",
    "1599_H",
    "1599_J",
    "1604_D",
    "1606_A",
    "1607_G",
    "1608_A",
    "1608_B",
    "1613_B",
    "1615_D",
    "1615_G",
    "1617_B",
    "1617_E",
    "1618_A",
    "1618_B",
    "1619_F",
    "1620_F",
    "1622_F",
    "1623_B",
]


def task(statement: str = "Print it.", *tests: HiddenTest, **fields: object) -> Task:
    return Task(Problem.model_validate({"name": "p", "statement": statement, **fields}), tests)


@pytest.mark.parametrize(
    "statement",
    [
        "If there are multiple answers, print any of them.",
        "If there are several\noptimal solutions, output any one.",
        "You may print any valid sequence.",
        "Print the indices in any order.",
        "The answer is not unique.",
        "This is an interactive problem.",
    ],
)
def test_statements_that_allow_several_answers(statement: str) -> None:
    assert doubtful(task(statement)).startswith("the statement says")


@pytest.mark.parametrize(
    "statement",
    [
        "You can print each letter in any case (upper or lower).",
        "You may choose any two elements and swap them any number of times.",
        "The edges are given in arbitrary order. Print the length.",
        "Print -1 if it is impossible to reach any city.",
    ],
)
def test_statements_that_only_sound_so(statement: str) -> None:
    assert doubtful(task(statement)) == ""


def test_several_listed_outputs_are_a_sign_except_of_calls() -> None:
    tests = HiddenTest("1", ("a", "b"))
    assert "several outputs" in doubtful(task("Print it.", tests))
    function = task("f", tests, mode="function", entry_point="f", checker={"kind": "literal"})
    assert doubtful(function) == ""


def test_one_input_with_two_outputs_is_a_sign_unless_they_are_the_same_number() -> None:
    assert "same input" in doubtful(task("s", HiddenTest("1 2", ("3 4",)), HiddenTest("1\n2\n", ("4 3",))))
    assert doubtful(task("s", HiddenTest("1", ("1.0000",)), HiddenTest("1", ("1",)))) == ""


def test_an_example_that_differs_from_the_statement_is_a_sign() -> None:
    statement = "s\n\nExample\n\nInput\n\n1\n\nOutput\n\n2 3\n"
    assert "statement's" in doubtful(task(statement, examples=[{"input": "1\n", "output": "3 2\n"}]))
    assert doubtful(task(statement, examples=[{"input": "1\n", "output": "2 3\n"}])) == ""


def test_a_checker_of_its_own_is_not_doubted() -> None:
    checker = {"kind": "python", "source": "def check(input, expected, actual):\n    return True\n"}
    assert doubtful(task("Print any of them.", checker=checker)) == ""


def test_every_known_problem_with_several_answers_is_found(shared_data: Path) -> None:
    path = shared_data / "problems" / "code_contests_test.jsonl.gz"
    spec = DatasetSpec(name="code_contests", path=str(path), ids=tuple(SEVERAL_ANSWERS))
    found = [item for item in tasks(spec) if isinstance(item, Task)]
    assert len(found) == 17  # the others have no hidden tests
    assert [item.problem.name for item in found if not doubtful(item)] == []


def test_what_is_doubted_is_a_minority(shared_data: Path) -> None:
    path = shared_data / "problems" / "code_contests_test.jsonl.gz"
    found = [item for item in tasks(DatasetSpec(name="code_contests", path=str(path))) if isinstance(item, Task)]
    assert len(found) == 114  # those with a really hidden test
    assert sum(bool(doubtful(item)) for item in found) < 35
