"""Reference solutions of data sets: typed arguments, contracts, and what counts as passing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from eval import mbpp_plus
from eval.references import apps_row, humaneval_row, judge_all, leetcode_row, mbpp_plus_row
from sandbox import Sandbox, Verdict

MBPP: dict[str, Any] = {
    "task_id": "Mbpp/0",
    "prompt": '"""\nWrite a function.\nassert f((1, 2), 3) == (1, 2, 3)\n"""\n',
    "entry_point": "f",
    "canonical_solution": "def f(a, b):\n    return a + (b,)\n",
    "contract": '\n    assert isinstance(a, tuple), "invalid inputs" # $_CONTRACT_$\n',
    "base_input": [[[1, 2], 3]],
    "plus_input": [[[], 1], [[5.5, [1]], None]],
    "assertion": "assert f((1, 2), 3) == (1, 2, 3)",
    "atol": 0,
}
APPS = {
    "problem_id": 7,
    "question": "Add two numbers.\n\n-----Examples-----\nInput\n1 1\n\nOutput\n99\n",
    "input_output": json.dumps({"inputs": ["1 2\n", "3 4\n"], "outputs": ["3\n", "7\n"]}),
    "difficulty": "interview",
}
RIGHT = "print(sum(map(int, input().split())))"
WRONG = "print(3)"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(1) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("assertion", "inputs", "typed"),
    [
        ("assert f((1, 2), [3]) == 1", [[1, 2, 3], [4]], [(1, 2, 3), [4]]),
        ("assert f([(1, 2), (3, 4)]) == 1", [[[5, 6], [7, 8], [9, 0]]], [[(5, 6), (7, 8), (9, 0)]]),
        ("assert f(('a', [1])) == 1", [["b", [2, 3]]], [("b", [2, 3])]),
        ("assert f({'a': (1,)}) == 1", [{"b": [2]}], [{"b": (2,)}]),
        ("assert f({1, 2}) == 1", [[3, 3]], [{3}]),
        ("assert f(0, 1j) == 1", ["2", "3j"], [2, 3j]),
        ("assert f('1j') == 1", ["3j"], ["3j"]),
        ("assert f(14 * 14) == 1", [5], [5]),
        ("assert set(f((1,))) == set()", [[[1]]], [([1],)]),
    ],
)
def test_arguments_get_the_types_that_the_asserted_calls_show(
    assertion: str, inputs: list[Any], typed: list[Any]
) -> None:
    record = {"entry_point": "f", "assertion": assertion, "base_input": [inputs]}
    found = mbpp_plus.argument_lists(record)
    assert found == [typed]
    assert [type(value) for value in found[0]] == [type(value) for value in typed]


async def test_a_reference_that_agrees_with_itself_passes(sandbox: Sandbox) -> None:
    row = await mbpp_plus_row(MBPP, sandbox)
    assert (row.problem, row.verdicts, row.detail) == ("Mbpp/0", (Verdict.AC,), "")


async def test_inputs_outside_the_contract_are_left_out_and_counted(sandbox: Sandbox) -> None:
    contract = '    assert b is not None, "invalid inputs"\n'
    row = await mbpp_plus_row({**MBPP, "contract": contract}, sandbox)
    assert (row.accepted, row.detail) == (True, "of 3 inputs 1 break the contract")
    none_left = await mbpp_plus_row({**MBPP, "contract": '    assert False, "invalid inputs"\n'}, sandbox)
    assert none_left.verdicts == (Verdict.IE,)


async def test_a_reference_that_answers_differently_the_second_time_fails(sandbox: Sandbox) -> None:
    source = "import time\ndef f(a, b):\n    return time.time_ns()\n"
    row = await mbpp_plus_row({**MBPP, "canonical_solution": source, "assertion": "assert f((1, 2), 3) > 0"}, sandbox)
    assert row.verdicts == (Verdict.WA,)
    assert row.detail.startswith("on (1, 2), 3: printed")


async def test_an_error_is_an_answer_too(sandbox: Sandbox) -> None:
    changes = {"canonical_solution": "def f(a, b):\n    return a[0]\n", "assertion": "assert f((1, 2), 3) == 1"}
    row = await mbpp_plus_row({**MBPP, **changes}, sandbox)
    assert (row.accepted, row.detail) == (True, "of 3 inputs on 1 the reference raises")


async def test_a_value_that_cannot_cross_is_found_and_named(sandbox: Sandbox) -> None:
    source = "def f(a, b):\n    return a if b == 3 else iter(a)\n"
    changes = {"canonical_solution": source, "assertion": "assert f((1, 2), 3) == (1, 2)"}
    row = await mbpp_plus_row({**MBPP, **changes}, sandbox)
    assert row.verdicts == (Verdict.RTE,)
    assert row.detail.startswith("on (), 1:")


async def test_what_a_reference_prints_is_no_value(sandbox: Sandbox) -> None:
    source = "def f(a, b):\n    print('(1,)')\n    return a + (b,)\n"
    assert (await mbpp_plus_row({**MBPP, "canonical_solution": source}, sandbox)).accepted


async def test_only_the_truth_of_a_value_counts_where_no_more_is_asserted(sandbox: Sandbox) -> None:
    source = "import re\ndef f(a, b):\n    return re.match('x', 'x')\n"
    truth = {"canonical_solution": source, "assertion": "assert f((1, 2), 3)"}
    assert (await mbpp_plus_row({**MBPP, **truth}, sandbox)).verdicts == (Verdict.AC,)


async def test_a_counter_is_a_dict(sandbox: Sandbox) -> None:
    source = "import collections\ndef f(a, b):\n    return collections.Counter(map(str, a))\n"
    counter = {"canonical_solution": source, "assertion": "assert f((1, 2), 3) == {'1': 1, '2': 1}"}
    assert (await mbpp_plus_row({**MBPP, **counter}, sandbox)).verdicts == (Verdict.AC,)


async def test_the_records_own_asserts_must_hold(sandbox: Sandbox) -> None:
    row = await mbpp_plus_row({**MBPP, "assertion": "assert f((1, 2), 3) == (1, 2)"}, sandbox)
    assert row.verdicts == (Verdict.WA,)
    assert row.detail.startswith("its own asserts")


HUMANEVAL = {
    "task_id": "HumanEval/0",
    "prompt": 'def half(x):\n    return x / 2\n\n\ndef twice(x):\n    """Double x."""\n',
    "canonical_solution": "    return 2 * x\n",
    "entry_point": "twice",
    "test": "def check(candidate):\n    assert half(candidate(3)) == 3\n",
}
LEETCODE = {
    "task_id": "count",
    "prompt": "class ListNode:\n    def __init__(self, val=0, next=None):\n        self.val, self.next = val, next\n",
    "completion": "class Solution:\n    def count(self, head): return 1 + self.count(head.next) if head else 0\n",
    "entry_point": "Solution().count",
    "test": "def check(candidate):\n    assert candidate(head = ListNode(1, ListNode(2))) == 2\n",
}


async def test_humaneval_tests_may_use_the_prompts_other_functions(sandbox: Sandbox) -> None:
    assert (await humaneval_row(HUMANEVAL, sandbox)).verdicts == (Verdict.AC,)
    wrong = {**HUMANEVAL, "canonical_solution": "    return x\n"}
    assert (await humaneval_row(wrong, sandbox)).verdicts == (Verdict.WA,)


async def test_leetcode_tests_may_pass_nodes(sandbox: Sandbox) -> None:
    assert (await leetcode_row(LEETCODE, sandbox)).verdicts == (Verdict.AC,)
    wrong = {**LEETCODE, "completion": "class Solution:\n    def count(self, head):\n        return 1\n"}
    assert (await leetcode_row(wrong, sandbox)).verdicts == (Verdict.WA,)


async def test_apps_solutions_are_tried_until_one_passes_and_examples_are_no_tests(sandbox: Sandbox) -> None:
    row = await apps_row({**APPS, "solutions": json.dumps([WRONG, "return", RIGHT, WRONG])}, sandbox)
    assert row.verdicts == (Verdict.WA, Verdict.CE, Verdict.AC)
    assert (row.accepted, row.accepted_at_first) == (True, False)
    assert "solution 1: WA on test 2" in row.detail


async def test_a_sixth_solution_is_not_tried(sandbox: Sandbox) -> None:
    row = await apps_row({**APPS, "solutions": json.dumps([WRONG] * 5 + [RIGHT])}, sandbox)
    assert row.verdicts == (Verdict.WA,) * 5


async def test_rows_come_in_the_order_of_the_records_and_a_broken_record_is_ours(sandbox: Sandbox) -> None:
    broken = {**MBPP, "task_id": "Mbpp/1", "canonical_solution": "def g(): pass\n"}
    rows = await judge_all([broken, MBPP], mbpp_plus_row, sandbox)
    assert [(row.problem, row.verdicts) for row in rows] == [("Mbpp/1", (Verdict.IE,)), ("Mbpp/0", (Verdict.AC,))]
