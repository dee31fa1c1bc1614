"""Kattis problem packages, legacy and 2023-07."""

from pathlib import Path

import pytest

from sandbox import CheckerSpec
from solver.errors import UserError
from solver.formats import load_problem
from solver.problem import DEFAULT_TIME_LIMIT_SECONDS, Example

TEX = r"""\problemname{Wet Socks}
% a note to the editor
\illustration{.4}{socks.jpg}{Photo by \href{https://example.org}{somebody}}
Dry $n$ socks; 50\% are wet.
\section*{Input}
One integer $n$.
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "wetsocks"
    files = {
        "problem.yaml": "name: Wet Socks\nkeywords: socks water\n",
        "problem_statement/problem.en.tex": TEX,
        "data/sample/1.in": "2\n",
        "data/sample/1.ans": "1\n",
        "data/secret/01.in": "kept-from-the-engine\n",
        "data/secret/01.ans": "kept-from-the-engine\n",
        "submissions/accepted/a.py": "kept_from_the_engine = 'kept-from-the-engine'\n",
    }
    for name, text in files.items():
        add(root, name, text)
    return root


def add(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def test_the_statement_and_the_samples_are_read_and_nothing_else(package: Path) -> None:
    problem = load_problem(package)
    assert problem.name == "wetsocks"
    assert problem.examples == [Example(input="2\n", output="1\n")]
    assert problem.tags == ["socks", "water"]
    assert "kept-from-the-engine" not in problem.model_dump_json()


def test_latex_headings_become_markdown_and_pictures_and_comments_go(package: Path) -> None:
    statement = load_problem(package).statement
    assert statement.startswith("# Wet Socks\n")
    assert "## Input\n" in statement
    assert r"50\% are wet" in statement
    assert "illustration" not in statement
    assert "editor" not in statement


def test_english_is_preferred_to_other_languages(package: Path) -> None:
    add(package, "problem_statement/problem.de.tex", "Nasse Socken")
    assert "Dry" in load_problem(package).statement


def test_another_language_is_better_than_none(package: Path) -> None:
    (package / "problem_statement" / "problem.en.tex").rename(package / "problem_statement" / "problem.sv.tex")
    assert "Dry" in load_problem(package).statement


def test_a_markdown_statement_in_the_new_folder_is_read_as_it_is(package: Path) -> None:
    (package / "problem_statement" / "problem.en.tex").unlink()
    add(package, "statement/problem.en.md", "Dry 5 % of *n* socks.")
    assert load_problem(package).statement == "Dry 5 % of *n* socks."


def test_samples_come_in_natural_order_and_may_end_in_out(package: Path) -> None:
    add(package, "data/sample/10.in", "10\n")
    add(package, "data/sample/10.ans", "x\n")
    add(package, "data/sample/2.in", "3\n")
    add(package, "data/sample/2.out", "y\n")
    assert [example.input for example in load_problem(package).examples] == ["2\n", "3\n", "10\n"]


def test_a_package_without_samples_is_a_problem_without_examples(package: Path) -> None:
    (package / "data" / "sample" / "1.in").unlink()
    assert load_problem(package).examples == []


def test_the_memory_limit_is_in_mebibytes_and_generous_when_unknown(package: Path) -> None:
    assert load_problem(package).memory_limit_bytes == 2048 * 2**20
    add(package, "problem.yaml", "limits:\n  memory: 512\n")
    assert load_problem(package).memory_limit_bytes == 512 * 2**20


def test_the_time_limit_comes_from_problem_yaml_or_the_file_that_tools_leave(package: Path) -> None:
    assert load_problem(package).time_limit_seconds == DEFAULT_TIME_LIMIT_SECONDS
    add(package, ".timelimit", "3\n")
    assert load_problem(package).time_limit_seconds == 3
    add(package, "problem.yaml", "limits:\n  time_limit: 1.5\n")
    assert load_problem(package).time_limit_seconds == 1.5


@pytest.mark.parametrize(
    ("flags", "checker"),
    [
        ("", CheckerSpec(case_sensitive=False)),
        ("case_sensitive", CheckerSpec(case_sensitive=True)),
        ("case_sensitive space_change_sensitive", CheckerSpec(kind="exact")),
        (
            "float_tolerance 1e-4",
            CheckerSpec(kind="floats", abs_tolerance=1e-4, rel_tolerance=1e-4, case_sensitive=False),
        ),
        ("float_absolute_tolerance 1e-8", CheckerSpec(kind="floats", abs_tolerance=1e-8, case_sensitive=False)),
        ("float_relative_tolerance 0.5", CheckerSpec(kind="floats", rel_tolerance=0.5, case_sensitive=False)),
        ("unknown_flag", CheckerSpec(case_sensitive=False)),
    ],
)
def test_validator_flags_choose_the_checker(package: Path, flags: str, checker: CheckerSpec) -> None:
    add(package, "problem.yaml", f"validator_flags: {flags}\n")
    assert load_problem(package).checker == checker


def test_validator_flags_of_the_newer_formats_are_found_beside_the_data(package: Path) -> None:
    add(package, "data/testdata.yaml", "output_validator_flags: float_tolerance 1e-3\n")
    assert load_problem(package).checker.rel_tolerance == 1e-3
    (package / "data" / "testdata.yaml").unlink()
    add(package, "data/test_group.yaml", "output_validator_args: [float_tolerance, 1e-2]\n")
    assert load_problem(package).checker.rel_tolerance == 1e-2


def test_a_custom_validator_falls_back_to_tokens(package: Path) -> None:
    add(package, "problem.yaml", "validation: custom\n")
    assert load_problem(package).checker.kind == "tokens"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("problem.yaml", "name: [", "problem.yaml is broken YAML at line 1"),
        ("problem.yaml", "- a\n- b\n", "problem.yaml must be a mapping, not a list"),
        ("problem.yaml", "limits: 5\n", "`limits` must be a mapping"),
        ("problem.yaml", "limits: {memory: lots}\n", "`memory` must be a number"),
        ("problem.yaml", "validation: custom interactive\n", "is interactive, which is not supported"),
        ("problem.yaml", "type: [pass-fail, multi-pass]\n", "is multi-pass, which is not supported"),
        ("problem.yaml", "validator_flags: float_tolerance\n", "`float_tolerance` needs a number"),
        ("problem.yaml", "validator_flags: float_tolerance nan\n", "`float_tolerance` needs a number"),
        ("problem.yaml", "validator_flags: float_tolerance -1\n", "`float_tolerance` needs a number"),
        ("problem.yaml", "x: " + "[" * 2_000, "broken YAML"),
        ("problem.yaml", "a: \x07", "broken YAML"),
        (".timelimit", "soon\n", "`.timelimit` must hold seconds, not 'soon'"),
        ("data/sample/2.in", "5\n", "data/sample/2.in has no 2.ans beside it"),
        ("problem_statement/problem.en.tex", "% nothing\n", "`statement`"),
    ],
)
def test_a_broken_package_gets_one_line(package: Path, name: str, text: str, expected: str) -> None:
    add(package, name, text)
    with pytest.raises(UserError) as raised:
        load_problem(package)
    assert expected in str(raised.value)
    assert str(raised.value).isprintable()


def test_a_package_without_a_statement_is_told_where_it_should_be(package: Path) -> None:
    (package / "problem_statement" / "problem.en.tex").unlink()
    with pytest.raises(UserError, match=r"there is no problem_statement/problem\.en\.tex"):
        load_problem(package)


def test_sample_data_that_is_no_text_is_a_user_error(package: Path) -> None:
    (package / "data" / "sample" / "1.in").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="is not UTF-8"):
        load_problem(package)
