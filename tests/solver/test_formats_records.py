"""Each record format: what is kept, what is dropped, and what the record says about limits and checking."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import CheckerSpec
from solver.errors import UserError
from solver.formats import load_problem
from solver.problem import DEFAULT_MEMORY_LIMIT_BYTES, DEFAULT_TIME_LIMIT_SECONDS, Example, Problem

SECRET = "kept-from-the-engine"

CODE_CONTESTS: dict[str, Any] = {
    "name": "12_B. Two Heaps",
    "description": "Split the heap.\n\nInput\n\nA number.\n\nOutput\n\nA number.\n\n"
    "Examples\n\nInput\n\n\n4\n\n\nOutput\n\n\n2\n",
    "public_tests": {"input": ["4\n"], "output": ["2\n"]},
    "private_tests": {"input": [SECRET], "output": [SECRET]},
    "generated_tests": {"input": [SECRET], "output": [SECRET]},
    "solutions": {"language": [3], "solution": [SECRET]},
    "incorrect_solutions": {"language": [3], "solution": [SECRET]},
    "difficulty": 8,
    "cf_rating": 0,
    "cf_tags": ["greedy", ""],
    "time_limit": {"seconds": 1, "nanos": 500_000_000},
    "memory_limit_bytes": 512_000_000,
    "input_file": "",
    "output_file": "",
}
APPS: dict[str, Any] = {
    "problem_id": 17,
    "question": "Add.\n\n-----Input-----\n\nTwo numbers.\n\n-----Output-----\n\nOne.\n\n"
    "-----Example-----\nInput\n1 2\n\nOutput\n3\n",
    "solutions": json.dumps([SECRET]),
    "input_output": json.dumps({"inputs": [SECRET], "outputs": [SECRET]}),
    "difficulty": "interview",
    "starter_code": "",
}
APPS_CALL = {
    **APPS,
    "question": "Reverse.\n\nExample 1:\nInput: pattern = \"ab\", str = \"c d\"\nOutput: true\n",
    "input_output": json.dumps({"fn_name": "wordPattern", "inputs": [[SECRET]], "outputs": [SECRET]}),
    "starter_code": "\nclass Solution:\n    def wordPattern(self, pattern: str, s: str) -> bool:\n        ",
}  # fmt: skip
HUMAN_EVAL = {
    "task_id": "HumanEval/999",
    "prompt": 'from typing import List\n\n\ndef helper(x):\n    return x\n\n\ndef total(xs: List[int]) -> int:\n'
              '    """ Sum.\n    >>> total([1, 2])\n    3\n    """\n',
    "entry_point": "total",
    "canonical_solution": f"    return '{SECRET}'\n",
    "test": f"def check(candidate):\n    assert candidate(['{SECRET}']) == 3\n",
}  # fmt: skip
HUMAN_EVAL_PLUS = {
    **{key: HUMAN_EVAL[key] for key in ("task_id", "prompt", "entry_point", "canonical_solution")},
    "contract": SECRET,
    "base_input": [[[SECRET]]],
    "plus_input": [[[SECRET]]],
    "atol": 0.0001,
}
MBPP_PLUS = {
    "task_id": "Mbpp/9",
    "prompt": '"""\nWrite a function to find the larger.\nassert larger(1, 2) == 2\n"""\n',
    "entry_point": "larger",
    "canonical_solution": SECRET,
    "base_input": [[SECRET]],
    "plus_input": [[SECRET]],
    "assertion": f"assert larger('{SECRET}', 3) == 3",
    "atol": 0,
}
MBPP = {
    "task_id": 9,
    "text": "Write a function to find the larger.",
    "code": SECRET,
    "test_list": ["assert larger(1, 2) == 2", f"assert larger('{SECRET}', 3) == 3"],
    "challenge_test_list": [SECRET],
}
LEETCODE = {
    "task_id": "two-sum",
    "question_id": 1,
    "difficulty": "Easy",
    "tags": ["Array"],
    "problem_description": "Find them.\n\nExample 1:\n\nInput: nums = [2,7], target = 9\nOutput: [0,1]\n",
    "starter_code": "class Solution:\n    def twoSum(self, nums: List[int], target: int) -> List[int]:\n        ",
    "entry_point": "Solution().twoSum",
    "completion": SECRET,
    "test": SECRET,
    "input_output": [{"input": SECRET, "output": SECRET}],
    "response": SECRET,
    "prompt": "import math",
}
LIVE_CODE_BENCH = {
    "question_id": "abc301_a",
    "question_content": "Who wins?",
    "starter_code": "",
    "public_test_cases": json.dumps([{"input": "5\n", "output": "T\n", "testtype": "stdin"}]),
    "private_test_cases": SECRET,
    "metadata": "{}",
    "difficulty": "easy",
}
ALPHA_CODIUM = {
    "name": "heap",
    "description": "Split the heap.",
    "public_tests": {"input": ["4\n"], "output": ["2\n"]},
    "solutions": [SECRET],
}
ALL = {
    "CodeContests": CODE_CONTESTS,
    "APPS": APPS,
    "APPS call": APPS_CALL,
    "HumanEval": HUMAN_EVAL,
    "HumanEval+": HUMAN_EVAL_PLUS,
    "MBPP": MBPP,
    "MBPP+": MBPP_PLUS,
    "LeetCode": LEETCODE,
    "LiveCodeBench": LIVE_CODE_BENCH,
    "AlphaCodium": ALPHA_CODIUM,
}


@pytest.fixture
def load(tmp_path: Path):
    def load(record: dict[str, Any]) -> Problem:
        (tmp_path / "record.json").write_text(json.dumps(record), encoding="utf-8")
        return load_problem(tmp_path / "record.json")

    return load


@pytest.mark.parametrize("record", ALL.values(), ids=ALL.keys())
def test_hidden_tests_and_solutions_are_nowhere_in_the_problem(load, record: dict[str, Any]) -> None:
    assert SECRET in json.dumps(record)
    assert SECRET not in load(record).model_dump_json()


@pytest.mark.parametrize("record", ALL.values(), ids=ALL.keys())
def test_every_format_yields_the_public_example(load, record: dict[str, Any]) -> None:
    assert len(load(record).examples) == 1


_ATOMS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([10**400, 1e308, "\ud800"])
)
_ANY_JSON = st.recursive(
    _ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=st.sampled_from([*ALL.values()]), data=st.data())
def test_any_value_in_any_field_is_a_problem_or_a_user_error(load, record: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(record)))
    value = data.draw(_ANY_JSON | _ANY_JSON.map(json.dumps))
    with contextlib.suppress(UserError):
        load({**record, key: value})


# CodeContests


def test_tests_may_be_a_list_of_objects(load) -> None:
    listed = {**CODE_CONTESTS, "public_tests": [{"input": "4\n", "output": "2\n"}]}
    assert load(listed).examples == load(CODE_CONTESTS).examples


@pytest.mark.parametrize("tests", [None, {"input": [], "output": []}, []])
def test_missing_public_tests_are_read_from_the_statement(load, tests: object) -> None:
    assert load({**CODE_CONTESTS, "public_tests": tests}).examples == [Example(input="4\n", output="2\n")]


def test_limits_are_those_of_the_record(load) -> None:
    problem = load(CODE_CONTESTS)
    assert problem.time_limit_seconds == 1.5
    assert problem.memory_limit_bytes == 512_000_000


@pytest.mark.parametrize("limit", [None, {"seconds": 0, "nanos": 0}, {}, 0])
def test_an_unknown_limit_is_the_default_not_zero(load, limit: object) -> None:
    problem = load({**CODE_CONTESTS, "time_limit": limit, "memory_limit_bytes": 0})
    assert problem.time_limit_seconds == DEFAULT_TIME_LIMIT_SECONDS
    assert problem.memory_limit_bytes == DEFAULT_MEMORY_LIMIT_BYTES


def test_a_memory_limit_no_interpreter_starts_in_is_raised(load) -> None:
    assert load({**CODE_CONTESTS, "memory_limit_bytes": 4_000_000}).memory_limit_bytes == 2**24


def test_named_files_mean_file_mode(load) -> None:
    problem = load({**CODE_CONTESTS, "input_file": "heap.in", "output_file": "stdout"})
    assert (problem.mode, problem.input_file, problem.output_file) == ("file", "heap.in", "")


def test_difficulty_is_the_rating_if_there_is_one_else_the_letter(load) -> None:
    assert load(CODE_CONTESTS).difficulty == "B"
    assert load({**CODE_CONTESTS, "cf_rating": 2400}).difficulty == "2400"


# APPS


def test_an_apps_record_without_tests_still_loads(load) -> None:
    for tests in ("", None):
        assert load({**APPS, "input_output": tests}).mode == "stdio"
    assert load({key: value for key, value in APPS.items() if key != "input_output"}).examples


def test_integers_beyond_pythons_digit_limit_in_hidden_tests_do_no_harm(load) -> None:
    huge = '{"inputs": [[' + "7" * 5000 + ']], "outputs": [[1]]}'
    assert load({**APPS, "input_output": huge}).examples


def test_a_statement_without_examples_gives_a_problem_without_examples(load) -> None:
    assert load({**APPS, "question": "Add two numbers."}).examples == []


def test_a_call_based_record_is_a_function(load) -> None:
    problem = load(APPS_CALL)
    assert (problem.mode, problem.entry_point, problem.checker.kind) == (
        "function",
        "Solution().wordPattern",
        "literal",
    )


def test_arguments_the_statement_names_otherwise_go_by_position(load) -> None:
    assert load(APPS_CALL).examples == [Example(input="'ab', 'c d'", output="True")]


def test_starter_code_alone_makes_a_function_when_no_tests_are_there(load) -> None:
    assert load({**APPS_CALL, "input_output": ""}).entry_point == "Solution().wordPattern"
    assert load({**APPS, "input_output": "", "starter_code": "def add(a, b):\n\t"}).entry_point == "add"


def test_an_apps_directory_needs_only_its_question(tmp_path: Path) -> None:
    folder = tmp_path / "0017"
    folder.mkdir()
    (folder / "question.txt").write_text(APPS["question"])
    problem = load_problem(folder)
    assert (problem.name, problem.difficulty, len(problem.examples)) == ("APPS/17", "", 1)


def test_a_full_apps_directory_is_the_same_problem_as_its_record(tmp_path: Path, load) -> None:
    folder = tmp_path / "0017"
    folder.mkdir()
    (folder / "question.txt").write_text(APPS_CALL["question"])
    (folder / "input_output.json").write_text(APPS_CALL["input_output"])
    (folder / "solutions.json").write_text(APPS_CALL["solutions"])
    (folder / "metadata.json").write_text(json.dumps({"difficulty": "interview", "url": "https://example.org"}))
    (folder / "starter_code.py").write_text(APPS_CALL["starter_code"])
    assert load_problem(folder) == load(APPS_CALL)


def test_a_broken_file_of_an_apps_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "question.txt").write_text("Add.")
    (tmp_path / "metadata.json").write_text("{")
    with pytest.raises(UserError, match=r"metadata\.json is broken JSON"):
        load_problem(tmp_path)


# HumanEval, MBPP


def test_the_whole_prompt_is_the_starter_code_so_helpers_stay_callable(load) -> None:
    problem = load(HUMAN_EVAL)
    assert "def helper" in problem.starter_code
    assert problem.starter_code.strip() in problem.statement
    assert problem.entry_point == "total"


def test_a_plus_record_is_the_same_problem_but_for_its_tolerance(load) -> None:
    plain, plus = load(HUMAN_EVAL), load(HUMAN_EVAL_PLUS)
    assert plus.checker.tolerances[0] == 0.0001
    assert plus.model_copy(update={"checker": plain.checker}) == plain


def test_an_mbpp_record_shows_its_first_assertion_only(load) -> None:
    assert load(MBPP).statement == load(MBPP_PLUS).statement
    assert load(MBPP) == load(MBPP_PLUS)


@pytest.mark.parametrize(
    ("assertion", "example", "kind"),
    [
        ("assert f([1], k=2)==(1, 2)", ("[1], k=2", "(1, 2)"), "literal"),
        ("assert f(1)", ("1", "True"), "literal"),
        ("assert not f(1)", ("1", "False"), "literal"),
        ("assert set(f(1)) == set([1, 2])", ("1", "[1, 2]"), "python"),
        ("assert math.isclose(f(1), 2.5, rel_tol=0.001)", ("1", "2.5"), "literal"),
        ("assert f(0, 1j) == -2", ("0, 1j", "-2"), "literal"),
        ("assert f(1) == sys.getsizeof(1)", None, "literal"),
        ("assert f(x) == 1", None, "literal"),
        ("assert f(f(1)) == 1", None, "literal"),
        ("assert f(1) == 1 or True", None, "literal"),
        ("assert f(1 == 1", None, "literal"),
    ],
)
def test_only_an_assertion_on_literals_becomes_an_example(
    load, assertion: str, example: tuple[str, str] | None, kind: str
) -> None:
    problem = load({**MBPP, "test_list": [assertion]})
    assert problem.entry_point == "f"
    assert problem.examples == ([Example(input=example[0], output=example[1])] if example else [])
    assert problem.checker.kind == kind


def test_the_tolerance_of_an_assertion_is_the_checkers(load) -> None:
    problem = load({**MBPP, "test_list": ["assert math.isclose(f(1), 2.5, rel_tol=0.001)"]})
    assert problem.checker == CheckerSpec(kind="literal", rel_tolerance=0.001)


# LeetCode, LiveCodeBench


def test_a_leetcode_record_keeps_named_arguments(load) -> None:
    problem = load(LEETCODE)
    assert problem.examples == [Example(input="nums = [2, 7], target = 9", output="[0, 1]")]
    assert (problem.name, problem.difficulty, problem.tags) == ("two-sum", "easy", ["Array"])


def test_list_and_tree_nodes_cannot_be_written_as_literals_so_no_example_is_made(load) -> None:
    starter = "class Solution:\n    def twoSum(self, nums: Optional[ListNode], target: int) -> int:\n        "
    assert load({**LEETCODE, "starter_code": starter}).examples == []


def test_any_order_is_granted_where_the_statement_grants_it(load) -> None:
    description = LEETCODE["problem_description"] + "You can return the answer in any order.\n"
    checker = load({**LEETCODE, "problem_description": description}).checker
    names: dict[str, Any] = {}
    exec(checker.source, names)
    assert names["check"]("", "[[0, 1], [2]]", "[[2], [0, 1]]")
    assert not names["check"]("", "[0, 1]", "[0, 0]")
    assert not names["check"]("", "[0, 1]", "5")


def test_functional_tests_are_one_argument_a_line(load) -> None:
    tests = [{"input": '[1, 2]\n"a"', "output": "true"}, {"input": "no literal", "output": "1"}]
    problem = load(
        {
            **LIVE_CODE_BENCH,
            "public_test_cases": json.dumps(tests),
            "metadata": json.dumps({"func_name": "go"}),
        }
    )
    assert problem.entry_point == "Solution().go"
    assert problem.examples == [Example(input="[1, 2], 'a'", output="True")]
