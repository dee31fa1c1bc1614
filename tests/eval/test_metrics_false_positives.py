"""Extra tests from reference solutions: what they find, and what they must not hold against a program."""

import dataclasses

import pytest

from eval.metrics.false_positives import (
    ExtraTests,
    Rejudged,
    Solution,
    check_accepted,
    extra_tests,
    load_rejudged,
    rejudge,
    save_rejudged,
)
from eval.task import HiddenTest, Task
from sandbox import CheckerSpec, Sandbox
from solver.errors import UserError
from solver.problem import Example, Problem
from tests.eval.runs import Made, make_run

SUM = Solution("python", "n = int(input())\nprint(sum(map(int, input().split())))\n")
LOOP = Solution("python", "input()\ntotal = 0\nfor word in input().split():\n    total += int(word)\nprint(total)\n")
LUCKY = "n = int(input())\nvalues = list(map(int, input().split()))\nprint(sum(values) if n < 4 else 0)\n"
BROKEN = Solution("python", "print(1 // 0)\n")
EXAMPLES = [Example(input="3\n1 2 3\n", output="6\n"), Example(input="2\n5 5\n", output="10\n")]
TASK = Task(
    Problem(name="sum", statement="Given n (1 ≤ n ≤ 100) and n integers, print their sum.", examples=EXAMPLES),
    (HiddenTest("1\n7\n", ("7\n",)), HiddenTest("3\n9 9 9\n", ("27\n",))),
)


def run_of(*sources):
    """Programs that the hidden tests accept, all of them submitted."""
    run = make_run("sum", [Made((number,), right=True) for number in range(len(sources))])
    facts = [
        dataclasses.replace(candidate, source=source)
        for candidate, source in zip(run.evidence.candidates, sources, strict=True)
    ]
    return dataclasses.replace(run, evidence=dataclasses.replace(run.evidence, candidates=facts))


@pytest.fixture(scope="module")
def sandbox_of():
    return lambda: Sandbox(1)


async def test_a_program_that_few_hidden_tests_let_through_is_found_and_a_right_one_is_not(sandbox_of):
    async with sandbox_of() as sandbox:
        extra = await extra_tests(TASK, [SUM, LOOP], sandbox, count=20)
        found = await rejudge(run_of(LUCKY, SUM.source), TASK, extra, sandbox)
    assert extra.references == 2
    assert len(extra.tests) > 5
    assert found.verdicts == {"sum/0": "WA", "sum/1": "AC"}
    assert (found.checked, found.failed) == (2, 1)


async def test_references_must_pass_the_hidden_tests_and_be_two_different_ones(sandbox_of):
    async with sandbox_of() as sandbox:
        for references in ([SUM], [SUM, SUM], [SUM, BROKEN], [SUM, Solution("cobol", "")], []):
            extra = await extra_tests(TASK, references, sandbox, count=5)
            assert not extra.tests
            assert "2 are needed" in extra.why


async def test_an_input_on_which_references_disagree_or_fail_is_no_test(sandbox_of):
    lucky = Solution("python", LUCKY)
    strict = Solution("python", "n = int(input())\nassert n < 4\nprint(sum(map(int, input().split())))\n")
    async with sandbox_of() as sandbox:
        disagreeing = await extra_tests(TASK, [SUM, lucky], sandbox, count=20)
        failing = await extra_tests(TASK, [SUM, strict], sandbox, count=20)
    assert disagreeing.dropped["references disagree"] > 0
    assert failing.dropped["a reference fails"] > 0
    for extra in (disagreeing, failing):
        assert all(int(test.input.split()[0]) < 4 or test.outputs == ("0\n",) for test in extra.tests)


async def test_answers_are_compared_as_the_problem_compares_them(sandbox_of):
    problem = TASK.problem.model_copy(update={"checker": CheckerSpec(kind="floats", abs_tolerance=1e-3)})
    rough = Solution("python", "input()\nprint(sum(map(int, input().split())) + 0.0001)\n")
    async with sandbox_of() as sandbox:
        extra = await extra_tests(Task(problem, TASK.tests), [SUM, rough], sandbox, count=10)
    assert extra.tests
    assert "references disagree" not in extra.dropped


async def test_no_extra_test_repeats_a_test_that_is_there(sandbox_of):
    async with sandbox_of() as sandbox:
        extra = await extra_tests(TASK, [SUM, LOOP], sandbox, count=30)
    known = {example.input.strip() for example in EXAMPLES} | {test.input.strip() for test in TASK.tests}
    assert known.isdisjoint(test.input.strip() for test in extra.tests)
    assert len({test.input for test in extra.tests}) == len(extra.tests)


async def test_only_accepted_submissions_are_looked_at(sandbox_of):
    solved, unsolved = run_of(SUM.source), make_run("other", [Made()])
    asked = []
    async with sandbox_of() as sandbox:
        found = [
            row
            async for row in check_accepted(
                [unsolved, solved], lambda name: asked.append(name), lambda name: [SUM, LOOP], sandbox
            )
        ]
    assert asked == ["sum"]
    assert [(row.problem, row.why, row.checked) for row in found] == [("sum", "its hidden tests cannot be read", 0)]


async def test_without_extra_tests_no_program_is_run_or_blamed():
    found = await rejudge(run_of(LUCKY), TASK, ExtraTests(why="none"), None)
    assert (found.verdicts, found.why) == ({}, "none")


def test_what_was_found_comes_back_from_its_file(tmp_path):
    rows = [Rejudged("p", 9, 2, {"a": "WA", "b": "IE"}, {"references disagree": 1}), Rejudged("q", 0, 1, {}, {}, "x")]
    save_rejudged(tmp_path / "extra.jsonl", rows)
    assert load_rejudged(tmp_path / "extra.jsonl") == {"p": rows[0], "q": rows[1]}
    assert (rows[0].checked, rows[0].failed) == (1, 1)


@pytest.mark.parametrize("content", ["{\n", "[]\n", '{"format": "other"}\n', '{"format": "codesieve-extra-tests/1"}\n'])
def test_a_file_of_something_else_is_refused(tmp_path, content):
    (tmp_path / "extra.jsonl").write_text(content)
    with pytest.raises(UserError, match="cannot be read"):
        load_rejudged(tmp_path / "extra.jsonl")
