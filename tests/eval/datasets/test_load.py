"""What of a data set becomes a task, a problem, a reason to skip it, or a reference solution."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from eval.datasets import DatasetSpec, Skipped, placed_tasks, problems, reference_solutions, tasks
from eval.task import HiddenTest, Task
from solver.errors import UserError
from solver.problem import Problem

from . import records
from .records import CANARY, Record


def spec(name: str, path: Path, **fields: Any) -> DatasetSpec:
    return DatasetSpec(name=name, path=str(path), **fields)


def task_of(tmp_path: Path, name: str, record: Record) -> Task:
    found = list(tasks(spec(name, records.lines(tmp_path / "data.jsonl", record))))
    assert isinstance(found[0], Task), found
    return found[0]


def reason_of(tmp_path: Path, name: str, record: Record) -> str:
    found = list(tasks(spec(name, records.lines(tmp_path / "data.jsonl", record))))
    assert isinstance(found[0], Skipped), found
    return found[0].reason


def names(found: Any) -> list[str]:
    return [
        item.problem.name if isinstance(item, Task) else item.name for item in found if not isinstance(item, Skipped)
    ]


# Every kind of record


ALL = {
    "code_contests": records.code_contests(),
    "apps": records.apps(),
    "taco": records.taco(),
    "humaneval": records.humaneval(),
    "humaneval_plus": records.humaneval(base_input=[[1]], plus_input=[[2]], contract="", atol=0),
    "mbpp": records.mbpp(),
    "mbpp_plus": records.mbpp_plus(),
    "leetcode": records.leetcode(),
    "livecodebench": records.livecodebench(),
    "jsonl": {"name": "p", "statement": "s", "hidden_tests": [{"input": "1", "output": "2"}], "rating": 900},
}


@pytest.mark.parametrize("name", ALL)
def test_every_data_set_gives_a_problem_and_the_same_one_with_hidden_tests(tmp_path: Path, name: str) -> None:
    path = records.lines(tmp_path / "data.jsonl", ALL[name])
    (problem,) = problems(spec(name, path))
    (task,) = tasks(spec(name, path))
    assert isinstance(task, Task)
    assert task.problem == problem
    assert task.hidden_tests >= 1


@pytest.mark.parametrize("name", [name for name in ALL if name != "jsonl"])
def test_a_file_of_any_known_records_can_be_called_jsonl(tmp_path: Path, name: str) -> None:
    path = records.lines(tmp_path / "data.jsonl", ALL[name])
    assert list(tasks(spec("jsonl", path))) == list(tasks(spec(name, path)))


def test_a_file_of_another_data_set_is_refused_in_one_line(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", records.apps())
    with pytest.raises(UserError, match="no CodeContests records; their columns: 'problem_id'"):
        list(tasks(spec("code_contests", path)))


def test_a_stray_record_among_others_is_skipped(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", records.apps(1), {"id": 5}, records.apps(2))
    assert names(tasks(spec("apps", path))) == ["APPS/1", "APPS/2"]
    assert Skipped("5", "not a record of this data set") in list(tasks(spec("apps", path)))


# CodeContests


def test_code_contests_says_its_site_rating_level_and_tags(tmp_path: Path) -> None:
    about = task_of(tmp_path, "code_contests", records.code_contests()).about
    assert (about.source, about.rating, about.difficulty, about.tags) == ("codeforces", 1200, "A", ("math",))


def test_null_limits_get_the_defaults(tmp_path: Path) -> None:
    record = records.code_contests(time_limit=None, memory_limit_bytes=0, cf_rating=0)
    task = task_of(tmp_path, "code_contests", record)
    assert (task.problem.time_limit_seconds, task.problem.memory_limit_bytes) == (2.0, 256 * 2**20)
    assert task.about.rating is None


def test_a_missing_statement_is_skipped_with_its_reason(tmp_path: Path) -> None:
    assert "`description` is missing" in reason_of(tmp_path, "code_contests", records.code_contests(description=""))


def test_no_hidden_tests_and_only_repeats_of_examples_are_skipped(tmp_path: Path) -> None:
    empty: Record = {"input": [], "output": []}
    none = records.code_contests(private_tests=empty, generated_tests=None)
    assert reason_of(tmp_path, "code_contests", none) == "no hidden tests"
    again = records.code_contests(private_tests={"input": ["1"], "output": ["2"]}, generated_tests=empty)
    assert reason_of(tmp_path, "code_contests", again) == "every hidden test repeats an example"
    path = records.lines(tmp_path / "again.jsonl", again)
    assert names(tasks(spec("code_contests", path, allow_repeats=True))) == ["1_A. Double"]


def test_files_to_read_and_write_make_file_mode(tmp_path: Path) -> None:
    task = task_of(tmp_path, "code_contests", records.code_contests(input_file="in.txt", output_file="out.txt"))
    assert (task.problem.mode, task.problem.input_file) == ("file", "in.txt")


# APPS and TACO


def test_apps_without_tests_is_skipped(tmp_path: Path) -> None:
    assert reason_of(tmp_path, "apps", records.apps(tests="")) == "no hidden tests"
    assert reason_of(tmp_path, "apps", records.apps(tests={"inputs": [], "outputs": []})) == "no hidden tests"


def test_broken_apps_tests_are_skipped_and_the_problem_is_not(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", records.apps(tests="{"))
    (skipped,) = tasks(spec("apps", path))
    assert isinstance(skipped, Skipped)
    assert "`input_output` holds broken JSON" in skipped.reason
    assert names(problems(spec("apps", path))) == ["APPS/7"]


def test_call_based_apps_is_told_by_its_starter_code(tmp_path: Path) -> None:
    tests = {"fn_name": "double", "inputs": [[20]], "outputs": [[40]]}
    record = records.apps(tests=tests, starter_code="class Solution:\n    def double(self, x: int) -> int:\n        ")
    task = task_of(tmp_path, "apps", record)
    assert task.problem.entry_point == "Solution().double"
    assert task.tests == (HiddenTest("20", ("[40]", "40")),)


def test_a_function_that_only_the_tests_name_cannot_be_asked_for(tmp_path: Path) -> None:
    tests = {"fn_name": "double", "inputs": [[20]], "outputs": [40]}
    assert "does not define" in reason_of(tmp_path, "apps", records.apps(tests=tests))
    assert "standard input" in reason_of(tmp_path, "apps", records.apps(starter_code="def double(x):\n    "))


def test_integers_of_thousands_of_digits_survive(tmp_path: Path) -> None:
    digits = "9" * 6000
    record = records.apps(tests=f'{{"inputs": ["1"], "outputs": [{digits}]}}')
    assert task_of(tmp_path, "apps", record).tests[0].outputs == (digits,)


def test_taco_is_numbered_and_its_limits_are_words(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", records.taco(), records.taco(time_limit=None, memory_limit=None))
    first, second = (task for task in tasks(spec("taco", path)) if isinstance(task, Task))
    assert (first.problem.name, second.problem.name) == ("TACO/0", "TACO/1")
    assert (first.problem.time_limit_seconds, first.problem.memory_limit_bytes) == (1.5, 64 * 2**20)
    assert second.problem.time_limit_seconds == 2.0
    assert (first.about.source, first.about.difficulty, first.about.date) == ("codechef", "medium_hard", "2020-03-04")
    assert first.about.tags == ("Sorting", "Greedy algorithms")


def test_a_numbered_problem_is_found_by_its_number(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", *[records.taco() for _ in range(5)])
    assert names(tasks(spec("taco", path, ids=("3", "TACO/1")))) == ["TACO/1", "TACO/3"]


# LiveCodeBench


def test_livecodebench_tests_are_read_packed_and_plain(tmp_path: Path) -> None:
    expected = (HiddenTest("20\n", ("40\n",)),)
    for packed in (True, False):
        task = task_of(tmp_path, "livecodebench", records.livecodebench(packed=packed))
        assert task.tests == expected
        assert (task.about.source, task.about.date) == ("atcoder", "2024-01-13")


def test_functional_livecodebench_tests_become_calls(tmp_path: Path) -> None:
    function = {
        "metadata": '{"func_name": "add"}',
        "starter_code": "class Solution:\n    def add(self, a, b):\n        ",
    }
    tests = [{"input": '[1, null]\n"x"', "output": "true", "testtype": "functional"}]
    record = records.livecodebench(tests, **function, public_test_cases="[]")
    assert task_of(tmp_path, "livecodebench", record).tests == (HiddenTest("[1, None], 'x'", ("True",)),)
    broken = records.livecodebench([{"input": "import os", "output": "1"}], **function, public_test_cases="[]")
    assert reason_of(tmp_path, "livecodebench", broken) == "hidden test 1 is no call with JSON values"


# Own problems and directories


def test_own_hidden_tests_may_have_several_right_outputs(tmp_path: Path) -> None:
    record = {"name": "p", "statement": "s", "hidden_tests": [{"input": "1", "outputs": ["a", "b"]}]}
    assert task_of(tmp_path, "jsonl", record).tests == (HiddenTest("1", ("a", "b")),)


@pytest.mark.parametrize("tests", [{"input": "1"}, [{"input": "1"}], [{"input": 1, "output": "2"}], ["x"]])
def test_broken_own_tests_are_skipped(tmp_path: Path, tests: object) -> None:
    record = {"name": "p", "statement": "s", "hidden_tests": tests}
    assert reason_of(tmp_path, "jsonl", record).startswith("`hidden_tests`")


def test_a_misspelt_field_of_our_own_format_is_not_passed_over(tmp_path: Path) -> None:
    assert "`exmaples`" in reason_of(tmp_path, "jsonl", {"name": "p", "statement": "s", "exmaples": []})


def test_the_bundled_examples_are_a_benchmark() -> None:
    folder = Path(__file__).parents[3] / "examples"
    found = list(tasks(spec("jsonl", folder)))
    assert len(found) >= 7
    assert not any(isinstance(task, Skipped) for task in found)
    assert {name for name, language, _ in reference_solutions(spec("jsonl", folder)) if language == "python"} == set(
        names(found)
    )


def test_apps_directories_are_read_like_records(tmp_path: Path) -> None:
    for number in (2, 10):
        folder = tmp_path / "test" / f"{number:04d}"
        folder.mkdir(parents=True)
        (folder / "question.txt").write_text("Print the double.")
        (folder / "input_output.json").write_text('{"inputs": ["1"], "outputs": ["2"]}')
    assert names(tasks(spec("apps", tmp_path))) == ["APPS/2", "APPS/10"]
    (tmp_path / "test" / "0002" / "input_output.json").write_text("not opened by the engine's side")
    assert names(problems(spec("apps", tmp_path))) == ["APPS/2", "APPS/10"]


# Filters


SOME = [
    records.code_contests("1_A. One", cf_rating=800, cf_tags=["math"], source=2),
    records.code_contests("1_B. Two", cf_rating=1500, cf_tags=["graphs", "math"], source=2, difficulty=8),
    records.code_contests("three", cf_rating=0, cf_tags=[], source=1, difficulty=2),
]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rating": "800"}, "1"),
        ({"rating": "800-1500"}, "12"),
        ({"rating": "801-"}, "2"),
        ({"rating": "-1499"}, "1"),
        ({"tag": ("MATH",)}, "12"),
        ({"tag": ("graphs", "none")}, "2"),
        ({"source": ("codechef",)}, "3"),
        ({"difficulty": ("b", "medium")}, "23"),
        ({"rating": "800", "tag": ("graphs",)}, ""),
        ({"ids": ("1_B", "three")}, "23"),
        ({"limit": 2}, "12"),
        ({"since": "2020-01-01"}, ""),
    ],
)
def test_filters(tmp_path: Path, fields: Record, expected: str) -> None:
    path = records.lines(tmp_path / "data.jsonl", *SOME)
    wanted = [SOME[int(digit) - 1]["name"] for digit in expected]
    assert names(tasks(spec("code_contests", path, **fields))) == wanted
    assert names(problems(spec("code_contests", path, **fields))) == wanted


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [("2024-01-13", None, 1), (None, "2024-01-13", 1), ("2024-01-14", None, 0), (None, "2024-01-12", 0)],
)
def test_both_days_of_a_range_belong_to_it(tmp_path: Path, since: str, until: str, expected: int) -> None:
    path = records.lines(tmp_path / "data.jsonl", records.livecodebench())
    assert len(list(tasks(spec("livecodebench", path, since=since, until=until)))) == expected


def test_an_id_that_is_not_there_is_reported(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", *SOME)
    found = list(tasks(spec("code_contests", path, ids=("three", "four"))))
    assert names(found) == ["three"]
    assert [item.problem for item in found if isinstance(item, Skipped)] == ["four"]


def test_nothing_is_read_after_the_last_wanted_problem(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", *SOME)
    path.write_bytes(path.read_bytes() + b"{broken\n")
    assert len(list(tasks(spec("code_contests", path, limit=3)))) == 3
    assert len(list(tasks(spec("code_contests", path, ids=("three",))))) == 1
    with pytest.raises(UserError, match="line 4"):
        list(tasks(spec("code_contests", path)))


def test_skipped_problems_do_not_count_for_the_limit(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", records.apps(1, tests=""), records.apps(2), records.apps(3))
    assert names(tasks(spec("apps", path, limit=1))) == ["APPS/2"]


def test_a_second_problem_of_the_same_name_is_skipped(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", records.apps(1), records.apps(1))
    _, second = tasks(spec("apps", path))
    assert second == Skipped("APPS/1", "another problem has the same name")


def test_a_seeded_sample_is_the_same_for_its_seed_whatever_the_order(tmp_path: Path) -> None:
    many = [records.apps(number) for number in range(40)]
    forth = records.lines(tmp_path / "forth.jsonl", *many)
    back = records.lines(tmp_path / "back.jsonl", *reversed(many))
    sample = names(tasks(spec("apps", forth, limit=10, seed=1)))
    assert len(sample) == 10
    assert sample == sorted(sample, key=lambda name: int(name.removeprefix("APPS/")))
    assert set(names(tasks(spec("apps", back, limit=10, seed=1)))) == set(sample)
    assert set(names(problems(spec("apps", back, limit=10, seed=1)))) == set(sample)
    assert set(names(tasks(spec("apps", forth, limit=12, seed=1)))) > set(sample)
    assert set(names(tasks(spec("apps", forth, limit=10, seed=2)))) != set(sample)
    assert len(names(tasks(spec("apps", forth, limit=100, seed=1)))) == 40


@pytest.mark.parametrize(
    "fields", [{"name": "cats"}, {"rating": "high"}, {"rating": "-"}, {"limit": 0}, {"since": "1"}]
)
def test_a_spec_that_makes_no_sense_is_refused(fields: Record) -> None:
    with pytest.raises(ValidationError):
        DatasetSpec(**{"name": "apps", **fields})


def test_a_spec_survives_json() -> None:
    before = DatasetSpec(name="apps", ids=("1",), since="2024-01-01", rating="1-2")
    assert DatasetSpec.model_validate_json(before.model_dump_json()) == before


# Nothing hidden on the engine's side


def test_hidden_things_of_every_kind_never_reach_a_problem(tmp_path: Path) -> None:
    planted = {
        "code_contests": records.code_contests(
            private_tests={"input": [CANARY], "output": [CANARY]},
            generated_tests={"input": [CANARY], "output": [CANARY]},
            solutions={"language": [3], "solution": [CANARY]},
        ),
        "apps": records.apps(tests={"inputs": [CANARY], "outputs": [CANARY]}, solutions=json.dumps([CANARY])),
        "taco": records.taco(input_output=CANARY, solutions=CANARY),
        "humaneval": records.humaneval(test=CANARY, canonical_solution=CANARY, base_input=[[CANARY]]),
        "mbpp": records.mbpp(code=CANARY, challenge_test_list=[CANARY]),
        "mbpp_plus": records.mbpp_plus(plus_input=[[CANARY]], canonical_solution=CANARY, assertion=CANARY),
        "leetcode": records.leetcode(test=CANARY, completion=CANARY, input_output=[{"input": CANARY}]),
        "livecodebench": records.livecodebench([{"input": CANARY, "output": CANARY}], packed=False),
        "jsonl": {"name": "p", "statement": "s", "hidden_tests": [{"input": CANARY, "output": CANARY}]},
    }
    for name, record in planted.items():
        assert CANARY in json.dumps(record)
        (problem,) = problems(spec(name, records.lines(tmp_path / f"{name}.jsonl", record)))
        assert isinstance(problem, Problem)
        assert CANARY not in problem.model_dump_json()


def test_hidden_columns_are_not_even_decoded(tmp_path: Path) -> None:
    text = json.dumps(records.code_contests(private_tests="HERE")).replace('"HERE"', "[nonsense]")
    path = tmp_path / "data.jsonl"
    path.write_text(text + "\n" + json.dumps(records.code_contests("2_B. Other")) + "\n")
    assert names(problems(spec("code_contests", path))) == ["1_A. Double", "2_B. Other"]
    with pytest.raises(UserError, match="broken JSON"):
        list(tasks(spec("code_contests", path)))


# Reference solutions


def test_reference_solutions_have_their_languages_and_python_2_is_named(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "cc.jsonl", records.code_contests())
    languages = [language for _, language, _ in reference_solutions(spec("code_contests", path))]
    assert languages == ["python2", "cpp", "python", "java"]
    path = records.lines(tmp_path / "apps.jsonl", records.apps(), records.apps(8, solutions=""))
    assert [(name, language) for name, language, _ in reference_solutions(spec("apps", path))] == [
        ("APPS/7", "python"),
        ("APPS/7", "python2"),
    ]


def test_a_completion_is_put_behind_its_prompt(tmp_path: Path) -> None:
    path = records.lines(tmp_path / "data.jsonl", records.humaneval())
    ((_, _, source),) = reference_solutions(spec("humaneval", path))
    compile(source, "solution", "exec")
    assert source.endswith("return 2 * x\n")


# --- shards ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"limit": 5}, {"limit": 5, "seed": 3}, {"ids": ("p1", "p2", "p6")}])
def test_shards_together_are_the_whole_in_its_order_and_share_nothing(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = records.lines(tmp_path / "a.jsonl", *(_own(f"p{n}", tests=n % 4 != 1) for n in range(11)))
    whole = [_called(found) for found in tasks(DatasetSpec(name="jsonl", path=str(path), **fields))]
    shards = [DatasetSpec(name="jsonl", path=str(path), shard=(number, 3), **fields) for number in range(3)]
    placed = sorted((place, _called(found)) for shard in shards for place, found in placed_tasks(shard))
    assert [name for _, name in placed] == whole
    assert len({place for place, _ in placed}) == len(whole)


def test_a_problem_is_in_the_same_shard_for_who_samples_and_who_judges(tmp_path: Path) -> None:
    """Though only the judge skips those without hidden tests."""
    path = records.lines(tmp_path / "a.jsonl", *(_own(f"p{n}", tests=n % 4 != 1) for n in range(11)))
    for number in range(3):
        shard = DatasetSpec(name="jsonl", path=str(path), shard=(number, 3))
        assert [_called(found) for found in tasks(shard)] == [_called(found) for found in problems(shard)]


def test_a_shard_beyond_the_last_is_refused() -> None:
    with pytest.raises(ValueError, match="of N shards the first is 0/N and the last is N-1/N"):
        DatasetSpec(name="jsonl", shard=(3, 3))


def test_the_directory_of_one_problem_is_a_data_set_of_one(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "problem.json").write_text(json.dumps(_own("p")))
    (found,) = problems(DatasetSpec(name="jsonl", path=str(tmp_path / "p")))
    assert _called(found) == "p"


def _own(name: str, *, tests: bool = False) -> dict[str, Any]:
    hidden = {"hidden_tests": [{"input": "9", "output": "9"}]} if tests else {}
    return {"name": name, "statement": "Echo.", "examples": [{"input": "1", "output": "1"}]} | hidden


def _called(found: Any) -> str:
    return found.problem if isinstance(found, Skipped) else getattr(found, "problem", found).name
