"""The protocol of CodeT's release: which tests count, which programs are drawn, and what is run."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from eval.pools.published import Ran, assertions, codet, cut, largest, mbr, random, run_problem
from sandbox import Sandbox


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(1) as started:
        yield started


def ran(**fields: object) -> Ran:
    made = {
        "name": "made up",
        "copies": (3, 1),
        "right": (False, True),
        "passed": (frozenset({0}), frozenset({0, 1})),
        "weight": (1, 5),
        "outputs": (("a", "b"), ("a", "c")),
    }
    return Ran(**{**made, **fields})  # type: ignore[arg-type]


def test_a_completion_ends_where_the_next_statement_at_the_margin_begins() -> None:
    assert cut("    return 1\n\nprint(f(2))\n") == "    return 1\n"
    assert cut("    x = 1\n    if x:\n        return x\n") == "    x = 1\n    if x:\n        return x\n"


def test_only_assertions_that_mention_the_function_and_compile_are_tests() -> None:
    answer = "f(1) == 2\n    assert g(1) == 2\n    assert f(1 == \n    assert f(3) > 2, 'why'\n"
    assert list(assertions(answer, "f")) == ["assert f(1) == 2", "assert f(3) > 2, 'why'"]


def test_a_test_written_often_counts_as_often() -> None:
    assert codet(ran(weight=(1, 5))) == 1.0  # sqrt(1) * 6 > sqrt(3) * 1
    assert codet(ran(weight=(2, 1))) == 0.0  # sqrt(1) * 3 < sqrt(3) * 2


def test_of_tied_sets_any_sample_is_drawn() -> None:
    tied = ran(copies=(2, 2), passed=(frozenset({0}), frozenset({1})), weight=(1, 1))
    assert codet(tied) == 0.5


def test_where_no_program_passes_any_test_any_sample_is_drawn() -> None:
    assert codet(ran(passed=(frozenset(), frozenset()))) == random(ran()) == 0.25


def test_programs_that_all_fail_are_a_cluster_only_when_asked_for() -> None:
    failing = ran(outputs=(("!ValueError", "!ValueError"), ("a", "c")))
    assert largest(failing, failing=True) == 0.0
    assert largest(failing, failing=False) == 1.0


def test_faults_are_told_apart_unless_they_are_to_be_alike() -> None:
    faults = ran(copies=(2, 2), right=(False, True), outputs=(("!ValueError",), ("!TypeError",)))
    assert largest(faults, failing=True) == largest(faults, failing=True, alike=True) == 0.5
    three = ran(
        copies=(1, 1, 2), right=(True, True, False), passed=(frozenset(),) * 3, outputs=(("!A",), ("!B",), ("x",))
    )
    assert largest(three, failing=True) == 0.0
    assert largest(three, failing=True, alike=True) == 0.5


def test_equal_faults_are_no_agreement() -> None:
    assert mbr(ran(outputs=(("!ValueError", "!ValueError"), ("a", "!late")))) == 1.0


async def test_programs_that_loop_exit_or_lie_about_their_end_pass_nothing(sandbox: Sandbox) -> None:
    prompt = "def f(x):\n"
    samples = [
        "    return x + 1\n",
        "    while True: pass\n",
        "    import os; os._exit(0)\n",
        "    raise SystemExit\n",
        "    return Counter([x])\n",  # a name that the prompt does not import
    ]
    record = {
        "task_id": "T/0",
        "prompt": prompt,
        "entry_point": "f",
        "samples": samples,
        "generated_tests": ["f(1) == 2\n    assert f(1) == 3\n"],
    }
    found = await run_problem(record, "def check(candidate):\n    assert candidate(4) == 5\n", sandbox)
    assert found.right == (True, False, False, False, False)
    assert [sorted(one) for one in found.passed] == [[0], [], [], [], []]
    assert [one[0][0] for one in found.outputs[1:]] == ["!"] * 4


@pytest.mark.parametrize("text", ["", "assert", "nothing of the kind"])
def test_answers_without_tests_have_none(text: str) -> None:
    assert list(assertions(text, "f")) == []
