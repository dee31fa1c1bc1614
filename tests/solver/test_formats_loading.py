"""Finding a record in a file, and saying in one line what is wrong with one."""

import gzip
import json
import os
from pathlib import Path

import pytest

from solver.errors import UserError
from solver.formats import files as reading
from solver.formats import load_problem, problem_schema
from solver.problem import Problem

OWN = {"name": "sum", "statement": "Add two numbers.", "examples": [{"input": "1 2\n", "output": "3\n"}]}
OTHER = {**OWN, "name": "product"}
CODE_CONTESTS = {"name": "p", "description": "Do it.", "public_tests": None, "private_tests": None}
HUMAN_EVAL = {"task_id": "H/0", "prompt": 'def f(x):\n    """Do it."""\n', "entry_point": "f"}
FUNCTION = {**OWN, "mode": "function", "entry_point": "f"}


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def complaint(path: Path, record_id: str | None = None) -> str:
    with pytest.raises(UserError) as raised:
        load_problem(path, record_id)
    message = str(raised.value)
    assert message.isprintable(), "a message is one line without control characters"
    assert len(message) <= 1000
    return message


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(OWN),
        json.dumps(OWN, indent=2),
        "\n\n  " + json.dumps(OWN) + "\n\n",
        "\ufeff" + json.dumps(OWN, indent=1),
        json.dumps([OWN]),
        json.dumps([OWN], indent=2),
        json.dumps({"$schema": "./schema.json", **OWN}),
    ],
    ids=["one line", "indented", "blank lines around", "byte order mark", "array", "indented array", "$schema"],
)
def test_a_file_with_one_problem_needs_no_id(tmp_path: Path, text: str) -> None:
    assert load_problem(write(tmp_path / "p.json", text)).name == "sum"


def test_gzip_is_recognised_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "problem.json"
    path.write_bytes(gzip.compress(json.dumps(OWN).encode()))
    assert load_problem(path).name == "sum"


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\n\n"])
def test_a_record_of_json_lines_is_chosen_by_its_name(tmp_path: Path, separator: str) -> None:
    path = write(tmp_path / "p.jsonl", separator.join([json.dumps(OWN), json.dumps(OTHER)]))
    assert load_problem(path, "product").name == "product"


def test_an_item_of_an_array_is_chosen_by_its_name(tmp_path: Path) -> None:
    assert load_problem(write(tmp_path / "p.json", [OWN, OTHER]), "product").name == "product"


def test_a_number_and_a_contest_index_are_ids_too(tmp_path: Path) -> None:
    apps = {"problem_id": 7, "question": "Do it.", "input_output": ""}
    contest = {**CODE_CONTESTS, "name": "12_B. Long Title"}
    path = write(tmp_path / "p.json", [apps, contest])
    assert load_problem(path, "7").name == "APPS/7"
    assert load_problem(path, "APPS/7").name == "APPS/7"
    assert load_problem(path, "12_B").name == "12_B. Long Title"


def test_later_lines_are_not_parsed_once_the_record_is_found(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", json.dumps(OWN) + "\n{broken")
    assert load_problem(path, "sum").name == "sum"


def test_a_directory_with_our_own_file_is_a_problem(tmp_path: Path) -> None:
    write(tmp_path / "problem.json", OWN)
    assert load_problem(tmp_path).name == "sum"


def test_a_package_of_a_directory_of_packages_is_chosen_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "sum").mkdir()
    write(tmp_path / "sum" / "problem.json", OWN)
    assert load_problem(tmp_path, "sum").name == "sum"
    assert "no problem directory '../sum'" in complaint(tmp_path, "../sum")


def test_several_records_without_an_id_are_listed(tmp_path: Path) -> None:
    message = complaint(write(tmp_path / "p.json", [{**OWN, "name": f"p{i}"} for i in range(9)]))
    assert "choose one with --id: 'p0', 'p1', 'p2', 'p3', 'p4', ..." in message


def test_an_unknown_id_is_answered_with_known_ones(tmp_path: Path) -> None:
    message = complaint(write(tmp_path / "p.json", [OWN, OTHER]), "quotient")
    assert "no problem 'quotient'; it holds 'sum', 'product'" in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "is empty"),
        (" \n\t\n", "is empty"),
        ("[]", "empty list"),
        ("hello", "is not JSON"),
        ('{"name": "x",\n "statement": }', "broken JSON at line 2, column 15"),
        ('{"name": "x"}\n{"name": }', "broken JSON at line 2, column 10"),
        ('\n\n{"name": "x",\n "statement": }', "broken JSON at line 4, column 15"),
        ("5", "holds a number, not an object"),
        ('"text"', "holds text, not an object"),
        ("[[1]]", "item 1 holds a list, not an object"),
        ("[1, 2]\n[3]", "line 1 holds a list"),
        ("null", "holds null, not an object"),
        ("[" * 200_000, "nested too deeply"),
        ('{"a":' * 200_000, "nested too deeply"),
        ("{}", "its keys: none; known formats: codesieve, CodeContests"),
        ({"title": "x", "body": "y"}, "its keys: 'title', 'body'; known formats"),
        ({f"{'k' * 99}{i}": 1 for i in range(99)}, "'kkkk"),
        ({"\x1b[31m\n": 1}, r"'\x1b[31m\n'"),
        ({**OWN, "statement": ""}, "`statement`: string should have at least 1 character"),
        ({**OWN, "statement": " \n "}, "the statement is empty"),
        ({**OWN, "statement": 5}, "`statement`: input should be a valid string"),
        ({**OWN, "statement": "\ud800"}, "`statement`"),
        ({"statement": "Do it."}, "`name`: field required"),
        ({**OWN, "examples": [{"input": "1"}]}, "`examples.0.output`: field required"),
        ({**OWN, "examples": "1 2"}, "`examples`: input should be a valid list"),
        ({**OWN, "tests": [], "time_limit": 1}, "`tests`: is not a field of the format (and 1 more)"),
        ({**OWN, "time_limit_seconds": 0}, "`time_limit_seconds`: input should be greater than 0"),
        ({**OWN, "time_limit_seconds": "fast"}, "`time_limit_seconds`"),
        ({**OWN, "time_limit_seconds": float("nan")}, "`time_limit_seconds`"),
        ({**OWN, "memory_limit_bytes": 1}, "`memory_limit_bytes`"),
        ({**OWN, "mode": "stream"}, "`mode`"),
        ({**OWN, "mode": "function"}, "function mode needs `entry_point`"),
        ({**OWN, "mode": "file"}, "file mode needs `input_file`"),
        ({**OWN, "mode": "file", "input_file": "../../etc/passwd"}, "`input_file` must be a plain file name"),
        ({**OWN, "mode": "file", "output_file": ".."}, "`output_file` must be a plain file name"),
        ({**FUNCTION, "entry_point": "os.system"}, "`entry_point` must be `f` or `Solution().f`"),
        ({**FUNCTION, "examples": [{"input": "1 2", "output": "3"}]}, "`examples.0.input` must be call arguments"),
        ({**FUNCTION, "examples": [{"input": "1", "output": "three"}]}, "`examples.0.output` must be a Python literal"),
        ({**OWN, "format": "codesieve-problem/9"}, "`format` 'codesieve-problem/9' is not known"),
        ({**OWN, "checker": {"kind": "python"}}, "`checker`: checker kind `python` needs `source`"),
        ({**CODE_CONTESTS, "name": ""}, "(a CodeContests record): `name` is missing or empty"),
        ({**CODE_CONTESTS, "description": "\n"}, "`description` is missing or empty"),
        ({**CODE_CONTESTS, "description": ["x"]}, "`description` must be text, not a list"),
        ({**CODE_CONTESTS, "public_tests": 5}, "`public_tests` must hold `input` and `output` lists"),
        ({**CODE_CONTESTS, "public_tests": {"input": ["1"], "output": []}}, "has 1 inputs but 0 outputs"),
        ({**CODE_CONTESTS, "public_tests": {"input": [1], "output": [2]}}, "`input` must be text, not a number"),
        ({**CODE_CONTESTS, "public_tests": [{"input": "1"}]}, "`output` must be text, not null"),
        ({**CODE_CONTESTS, "time_limit": {"seconds": "x"}}, "`time_limit` must hold the numbers"),
        ({**CODE_CONTESTS, "time_limit": {"seconds": 10**9}}, "`time_limit_seconds`"),
        ({**CODE_CONTESTS, "memory_limit_bytes": "256 MB"}, "`memory_limit_bytes` must be a number, not text"),
        ({**CODE_CONTESTS, "input_file": "/etc/passwd"}, "`input_file` must be a plain file name"),
        ({**CODE_CONTESTS, "cf_tags": [1]}, "`cf_tags` must be a list of texts"),
        ({**HUMAN_EVAL, "task_id": None}, "`task_id` is missing or empty"),
        ({"question": "Do it.", "problem_id": 1, "input_output": "{broken"}, "`input_output` holds broken JSON"),
        ({"question": "Do it.", "problem_id": 1, "input_output": "[1]"}, "`input_output` must hold an object"),
        ({"question": "Do it.", "input_output": ""}, "`problem_id` is missing"),
        ({"text": "Do it.", "task_id": 1, "test_list": []}, "`test_list` must be a list of assertions"),
    ],
)  # fmt: skip
def test_a_bad_file_gets_one_line_that_says_what_is_wrong(tmp_path: Path, content: object, expected: str) -> None:
    message = complaint(write(tmp_path / "p.json", content))
    assert expected in message
    assert "p.json" in message


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "does not exist" in complaint(tmp_path / "nothing.json")


def test_a_directory_that_is_no_package_is_told_what_to_hold(tmp_path: Path) -> None:
    assert "no problem package: it should hold problem.json" in complaint(tmp_path)


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in complaint(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["x" * 5000, "nul\0byte", "a.json/b.json"])
def test_an_impossible_path_is_a_user_error(tmp_path: Path, name: str) -> None:
    write(tmp_path / "a.json", OWN)
    complaint(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_a_user_error(tmp_path: Path) -> None:
    path = write(tmp_path / "p.json", OWN)
    path.chmod(0)
    assert "Permission denied" in complaint(path)


@pytest.mark.parametrize("keep", [5, 12, 60])
def test_a_cut_gzip_file_is_a_user_error(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "p.json.gz"
    path.write_bytes(gzip.compress(json.dumps(OWN).encode())[:keep])
    assert "damaged gzip" in complaint(path)


def test_a_gzip_file_with_a_wrong_checksum_is_a_user_error(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(json.dumps(OWN).encode()))
    packed[-8] ^= 1
    (tmp_path / "p.json.gz").write_bytes(packed)
    assert "damaged gzip" in complaint(tmp_path / "p.json.gz")


@pytest.mark.parametrize("magic", [b"PAR1....", b"PK\x03\x04...."])
def test_archives_and_tables_are_named(tmp_path: Path, magic: bytes) -> None:
    (tmp_path / "p").write_bytes(magic)
    assert "first" in complaint(tmp_path / "p")


def test_other_encodings_than_utf8_are_named(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(json.dumps({**OWN, "statement": "é"}, ensure_ascii=False).encode("latin-1"))
    assert "is not UTF-8" in complaint(tmp_path / "p.json")


@pytest.mark.parametrize("text", [json.dumps(OWN), json.dumps(OWN, indent=1)], ids=["one line", "many lines"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_json_text_beyond_the_limit_is_refused_also_when_it_hides_in_gzip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, packed: bool
) -> None:
    monkeypatch.setattr(reading, "MAX_JSON_BYTES", 50)
    content = text.encode()
    (tmp_path / "p").write_bytes(gzip.compress(content) if packed else content)
    assert "more than" in complaint(tmp_path / "p")


def test_an_integer_of_thousands_of_digits_does_not_stop_loading(tmp_path: Path) -> None:
    text = json.dumps({**CODE_CONTESTS, "private_tests": [0]}).replace("[0]", "[" + "9" * 10_000 + "]")
    assert load_problem(write(tmp_path / "p.json", text)).name == "p"


def test_what_is_loaded_can_be_written_and_loaded_again(tmp_path: Path) -> None:
    problem = load_problem(write(tmp_path / "p.json", OWN))
    assert load_problem(write(tmp_path / "q.json", problem.model_dump_json())) == problem


def test_the_schema_describes_every_field_and_refuses_others() -> None:
    schema = problem_schema()
    assert set(schema["properties"]) == set(Problem.model_fields)
    assert schema["additionalProperties"] is False
    assert schema["$schema"].startswith("https://json-schema.org/")
