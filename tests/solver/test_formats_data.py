"""Public data sets load completely, and nothing of their hidden tests comes along."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from solver.formats import load_problem
from solver.formats.statement import examples_in_statement
from solver.problem import Example, Problem

SETS = {
    "code_contests_test": 165,
    "code_contests_train_sample": 20,
    "apps_train_sample": 150,
    "humaneval": 164,
    "humaneval_plus_mini": 164,
    "mbpp_plus": 378,
    "leetcode_test": 228,
}
PUBLIC = {
    "name",
    "description",
    "public_tests",
    "question",
    "prompt",
    "problem_description",
    "starter_code",
    "task_id",
    "entry_point",
}


def loaded(shared_data: Path, folder: Path, name: str) -> Iterator[tuple[dict[str, Any], Problem]]:
    with gzip.open(shared_data / "problems" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            (folder / "record.json").write_text(line, encoding="utf-8")
            yield json.loads(line), load_problem(folder / "record.json")


def words(examples: list[Example]) -> list[tuple[list[str], list[str]]]:
    return [(example.input.split(), example.output.split()) for example in examples]


def ink(value: object) -> str:
    """Examples are written anew, so spaces, quotes and `true` or `True` do not count."""
    return re.sub(r"""[\s'"\\]+""", "", json.dumps(value, ensure_ascii=False)).casefold()


def hidden_lines(value: object) -> Iterator[str]:
    """Every line of every text in a hidden field that is long enough not to occur by accident."""
    if isinstance(value, str):
        yield from (line.strip() for line in value.splitlines() if len(line.strip()) >= 25)
    elif isinstance(value, dict):
        for item in value.values():
            yield from hidden_lines(item)
    elif isinstance(value, list):
        for item in value:
            yield from hidden_lines(item)


@pytest.mark.parametrize(("name", "count"), SETS.items(), ids=SETS.keys())
def test_every_record_loads_and_hidden_text_stays_behind(
    shared_data: Path, tmp_path: Path, name: str, count: int
) -> None:
    seen = 0
    for record, problem in loaded(shared_data, tmp_path, name):
        seen += 1
        text = ink(problem.model_dump(mode="json"))
        public = ink({key: record[key] for key in PUBLIC & set(record)})
        for key in set(record) - PUBLIC - {"query", "url", "tags"}:
            for line in hidden_lines(record[key]):
                quoted = ink(line)
                assert quoted not in text or quoted in public, (problem.name, key)
    assert seen == count


def test_a_record_is_found_in_the_compressed_file(shared_data: Path) -> None:
    path = shared_data / "problems" / "code_contests_test.jsonl.gz"
    assert load_problem(path, "1575_B").name.startswith("1575_B. ")


def test_the_examples_of_apps_statements_are_found(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "problems" / "apps_train_sample_examples.json"
    reference = json.loads(path.read_text())
    equal, total = 0, 0
    for record, problem in loaded(shared_data, tmp_path, "apps_train_sample"):
        if problem.mode == "stdio":
            wanted = reference[str(record["problem_id"])]
            pairs = [
                (given.split(), output.split())
                for given, output in zip(wanted["inputs"], wanted["outputs"], strict=True)
            ]
            total += 1
            equal += words(problem.examples) == pairs
    assert total == 138
    assert equal >= 0.95 * total


def test_the_inputs_of_code_contests_statements_are_the_public_tests(shared_data: Path, tmp_path: Path) -> None:
    for name in ("code_contests_test", "code_contests_train_sample"):
        for _, problem in loaded(shared_data, tmp_path, name):
            parsed = [given for given, _ in words(examples_in_statement(problem.statement))]
            assert parsed == [given for given, _ in words(problem.examples)], problem.name


@pytest.mark.parametrize(
    ("name", "least"), [("humaneval", 155), ("humaneval_plus_mini", 155), ("mbpp_plus", 375), ("leetcode_test", 227)]
)
def test_functions_get_examples_from_their_texts(shared_data: Path, tmp_path: Path, name: str, least: int) -> None:
    problems = [problem for _, problem in loaded(shared_data, tmp_path, name)]
    assert all(problem.mode == "function" for problem in problems)
    assert sum(bool(problem.examples) for problem in problems) >= least


def test_apps_directories_load(shared_data: Path) -> None:
    folders = sorted((shared_data / "problems" / "apps_dir").iterdir())
    problems = {problem.name: problem for problem in map(load_problem, folders)}
    assert set(problems) == {"APPS/1", "APPS/111", "APPS/2287", "APPS/2404", "APPS/4184"}
    assert problems["APPS/2404"].entry_point == "Solution().findKthPositive"
    assert problems["APPS/4184"].entry_point == "is_prime"


def test_an_apps_directory_and_its_record_are_the_same_problem(shared_data: Path) -> None:
    records = shared_data / "problems" / "apps_train_sample.jsonl.gz"
    folders = shared_data / "problems" / "apps_dir"
    for number in (1, 2404):
        record, folder = load_problem(records, str(number)), load_problem(folders, f"{number:04}")
        assert (record.name, record.examples, record.mode) == (folder.name, folder.examples, folder.mode)
