"""Hidden tests are found where each data set keeps them, and only by eval."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.task import HiddenTest, load_task
from solver.errors import UserError

CODE_CONTESTS = {
    "name": "1_A. Echo",
    "description": "Print the number.",
    "public_tests": {"input": ["1\n"], "output": ["1\n"]},
    "private_tests": {"input": ["2\n"], "output": ["2\n"]},
    "generated_tests": {"input": ["3\n", "4\n"], "output": ["3\n", "4\n"]},
    "time_limit": None,
}


def apps(tests: object, **fields: object) -> dict[str, object]:
    text = tests if isinstance(tests, str) else json.dumps(tests)
    return {"problem_id": 7, "question": "Print the number.", "input_output": text, "solutions": "", **fields}


def written(directory: Path, *records: object) -> Path:
    path = directory / "problems.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_code_contests_has_private_then_generated_tests_and_no_public_ones(tmp_path: Path) -> None:
    task = load_task(written(tmp_path, CODE_CONTESTS))
    assert [test.input for test in task.tests] == ["2\n", "3\n", "4\n"]
    assert task.tests[0] == HiddenTest("2\n", ("2\n",))


def test_hidden_tests_never_reach_the_problem(tmp_path: Path) -> None:
    canary = {"input": ["canary-in"], "output": ["canary-out"]}
    task = load_task(written(tmp_path, {**CODE_CONTESTS, "private_tests": canary}))
    assert task.tests[0].input == "canary-in"
    assert "canary" not in task.problem.model_dump_json()


def test_the_record_is_chosen_by_its_id(tmp_path: Path) -> None:
    other = {**CODE_CONTESTS, "name": "2_B. Other", "private_tests": {"input": ["9"], "output": ["9"]}}
    path = written(tmp_path, CODE_CONTESTS, other)
    assert load_task(path, "2_B").tests[0].input == "9"
    with pytest.raises(UserError, match="3_C"):
        load_task(path, "3_C")


def test_a_record_without_hidden_tests_gives_none(tmp_path: Path) -> None:
    empty = {"input": [], "output": []}
    assert load_task(written(tmp_path, {**CODE_CONTESTS, "private_tests": empty, "generated_tests": empty})).tests == ()
    assert load_task(written(tmp_path, apps(""))).tests == ()


def test_apps_standard_input_may_be_a_list_of_lines(tmp_path: Path) -> None:
    task = load_task(written(tmp_path, apps({"inputs": ["1\n", ["1", "2"]], "outputs": ["1\n", [3, 4]]})))
    assert task.tests == (HiddenTest("1\n", ("1\n",)), HiddenTest("1\n2", ("3\n4",)))


def test_apps_calls_become_argument_text_and_a_wrapped_output_has_two_readings(tmp_path: Path) -> None:
    tests = {"fn_name": "f", "inputs": [[[1, 2], "a"], [True]], "outputs": [[[3]], None]}
    task = load_task(written(tmp_path, apps(tests, starter_code="def f(xs, s):\n    ")))
    assert task.tests == (HiddenTest("[1, 2], 'a'", ("[[3]]", "[3]")), HiddenTest("True", ("None",)))


@pytest.mark.parametrize(
    "tests",
    [
        "{",
        "[]",
        {"inputs": ["1"], "outputs": []},
        {"inputs": 1, "outputs": 2},
        {"fn_name": "f", "inputs": ["1"], "outputs": ["1"]},
    ],
)
def test_broken_hidden_tests_are_one_clear_line(tmp_path: Path, tests: object) -> None:
    with pytest.raises(UserError) as caught:
        load_task(written(tmp_path, apps(tests, starter_code="def f(x):\n    ")))
    assert "\n" not in str(caught.value)


def test_our_own_format_has_its_tests_beside_the_problem(tmp_path: Path) -> None:
    (tmp_path / "problem.json").write_text(json.dumps({"name": "echo", "statement": "Print it."}))
    assert load_task(tmp_path / "problem.json").tests == ()
    (tmp_path / "tests.json").write_text(json.dumps([{"input": "1", "output": "1"}]))
    expected = (HiddenTest("1", ("1",)),)
    assert load_task(tmp_path / "problem.json").tests == load_task(tmp_path).tests == expected


@pytest.mark.parametrize("content", ["{", '"x"', '[{"input": 1}]', "[" * 100_000])
def test_a_broken_tests_file_is_one_clear_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "problem.json").write_text(json.dumps({"name": "echo", "statement": "Print it."}))
    (tmp_path / "tests.json").write_text(content)
    with pytest.raises(UserError) as caught:
        load_task(tmp_path)
    assert "\n" not in str(caught.value)


def test_every_bundled_example_has_hidden_tests() -> None:
    examples = sorted((Path(__file__).parents[2] / "examples").glob("*/problem.json"))
    assert len(examples) >= 7
    for path in examples:
        assert len(load_task(path).tests) >= 8


def test_real_records_have_the_hidden_tests_that_their_description_counts(shared_data: Path) -> None:
    problems = shared_data / "problems"
    assert len(load_task(problems / "code_contests_test.jsonl.gz", "1575_A. Another Sorting Problem").tests) == 0
    assert len(load_task(problems / "apps_dir", "2404").tests) > 0
    assert load_task(problems / "apps_train_sample.jsonl.gz", "2401").tests[0].outputs == ("False",)
