"""Kattis packages are read whole, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.cases import Case, Group
from eval.package import entries, is_package, read_package
from solver.errors import UserError

from .packages import package

VALIDATOR = "import sys\nsys.exit(42)\n"


def cases(root: Path) -> list[Case]:
    return list(read_package(root).data.cases())


def groups(group: Group) -> dict[str, Group]:
    inner = [item for item in group.items if isinstance(item, Group)]
    return {group.name: group} | {name: found for item in inner for name, found in groups(item).items()}


def test_all_cases_come_samples_first_then_by_name(tmp_path: Path) -> None:
    root = package(tmp_path, {"data/secret/10.in": "5\n", "data/secret/10.ans": "10\n", "data/secret/notes.txt": "x"})
    assert [case.name for case in cases(root)] == ["sample/1", "secret/10", "secret/a", "secret/b"]
    assert (cases(root)[0].input(), cases(root)[0].outputs()) == (b"1\n", (b"2\n",))


def test_a_package_needs_no_statement_and_no_problem_yaml(tmp_path: Path) -> None:
    root = package(tmp_path, {"problem.yaml": None})
    assert is_package(root)
    assert len(cases(root)) == 3


def test_nested_groups_inherit_and_override_their_settings(tmp_path: Path) -> None:
    changes = {
        "data/testdata.yaml": "on_reject: continue\ngrader_flags: min\noutput_validator_flags: case_sensitive\n",
        "data/secret/testdata.yaml": "on_reject: break\nrange: 0 60\naccept_score: 30\n",
        "data/secret/deep/1.in": "1",
        "data/secret/deep/1.ans": "2",
        "data/secret/deep/testdata.yaml": "output_validator_flags: float_tolerance 1e-6\n",
    }
    found = groups(read_package(package(tmp_path, changes)).data)
    assert list(found) == ["data", "sample", "secret", "secret/deep"]
    assert not found["sample"].stop_at_reject
    deep = found["secret/deep"]
    assert (deep.stop_at_reject, deep.grader, deep.best, deep.accept_score) == (True, ("min",), 60, 30)
    assert cases(tmp_path)[0].flags == ("case_sensitive",)
    assert next(deep.cases()).flags == ("float_tolerance", "1e-6")


def test_validator_flags_of_the_problem_come_before_those_of_the_group(tmp_path: Path) -> None:
    changes = {
        "problem.yaml": "validator_flags: case_sensitive\n",
        "data/testdata.yaml": "output_validator_flags: float_tolerance 1\n",
    }
    assert cases(package(tmp_path, changes))[0].flags == ("case_sensitive", "float_tolerance", "1")


def test_the_newer_format_has_arguments_as_lists_even_per_case(tmp_path: Path) -> None:
    changes = {
        "problem.yaml": "problem_format_version: 2023-07-draft\n",
        "data/secret/test_group.yaml": "output_validator_args: [float_tolerance, 1e-3]\n",
        "data/secret/b.yaml": "output_validator_args: [case_sensitive]\n",
    }
    flags = {case.name: case.flags for case in cases(package(tmp_path, changes))}
    assert flags == {
        "sample/1": (),
        "secret/a": ("float_tolerance", "1e-3"),
        "secret/b": ("case_sensitive",),
    }


@pytest.mark.parametrize(
    ("files", "seconds"),
    [
        ({"problem.yaml": "limits: {time_limit: 1.5}", ".timelimit": "4\n"}, 1.5),
        ({"problem.yaml": "name: x", ".timelimit": "4\n", "domjudge-problem.ini": "timelimit = 5"}, 4),
        ({"problem.yaml": "name: x", "domjudge-problem.ini": "color='red'\ntimelimit = '2.5'\n"}, 2.5),
        ({"problem.yaml": "name: x", "domjudge-problem.ini": "color=red\n"}, None),
        ({"problem.yaml": "name: x"}, None),
    ],
)
def test_the_time_limit_is_found_where_tools_put_it(
    tmp_path: Path, files: dict[str, str | None], seconds: float | None
) -> None:
    assert read_package(package(tmp_path, files)).limits.time_seconds == seconds


def test_a_missing_limit_is_five_times_the_slowest_accepted_rounded_up(tmp_path: Path) -> None:
    limits = read_package(package(tmp_path, {"problem.yaml": "name: x"})).limits
    assert [limits.derived(seconds) for seconds in (0.001, 0.2, 0.21, 1.0)] == [1, 1, 2, 5]
    assert limits.margin == 2


def test_multipliers_of_both_formats_are_kept(tmp_path: Path) -> None:
    legacy = package(tmp_path / "a", {"problem.yaml": "limits: {time_multiplier: 1.5, time_safety_margin: 4}"})
    assert (read_package(legacy).limits.derived(2.5), read_package(legacy).limits.margin) == (4, 4)
    text = "problem_format_version: 2023-07\nlimits: {time_multipliers: {time_limit_to_tle: 3}, time_resolution: 0.1}"
    newer = read_package(package(tmp_path / "b", {"problem.yaml": text})).limits
    assert newer.derived(0.26) == pytest.approx(0.6)
    assert newer.margin == 3


def test_memory_and_output_are_in_mebibytes_with_kattis_defaults(tmp_path: Path) -> None:
    plain = read_package(package(tmp_path / "a")).limits
    assert (plain.memory_bytes, plain.output_bytes) == (2048 * 2**20, 8 * 2**20)
    text = "limits: {memory: 64, output: 1, validation_time: 3}"
    small = read_package(package(tmp_path / "b", {"problem.yaml": text})).limits
    assert (small.memory_bytes, small.output_bytes, small.validation.cpu_seconds) == (64 * 2**20, 2**20, 3)


@pytest.mark.parametrize(
    "where",
    ["output_validators/check.py", "output_validators/check/check.py", "output_validator/check.py"],
)
def test_a_custom_validator_may_be_a_file_or_a_directory(tmp_path: Path, where: str) -> None:
    changes = {"problem.yaml": "validation: custom\n", where: VALIDATOR}
    validator = read_package(package(tmp_path, changes)).validator
    assert validator is not None
    assert (validator.language, validator.text) == ("python", VALIDATOR)


def test_a_legacy_validator_that_is_not_asked_for_is_not_used(tmp_path: Path) -> None:
    assert read_package(package(tmp_path, {"output_validators/check.py": VALIDATOR})).validator is None


def test_a_newer_package_uses_the_validator_that_is_there(tmp_path: Path) -> None:
    changes = {
        "problem.yaml": "problem_format_version: 2023-07\ntype: interactive\n",
        "output_validator/guess/validate.cc": '#include "validate.h"\nint main() {}\n',
        "output_validator/guess/validate.h": "#pragma once\n",
    }
    read = read_package(package(tmp_path, changes))
    assert read.interactive
    assert read.validator is not None
    assert (read.validator.main, read.validator.files) == ("validate.cc", (("validate.h", "#pragma once\n"),))


def test_interactive_cases_need_no_answer(tmp_path: Path) -> None:
    changes = {
        "problem.yaml": "validation: custom interactive\n",
        "output_validators/talk.py": VALIDATOR,
        "data/secret/b.ans": None,
    }
    assert cases(package(tmp_path, changes))[-1].outputs() == (b"",)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"problem.yaml": "name: ["}, "problem.yaml is broken YAML"),
        ({"problem.yaml": "type: multi-pass"}, "multi-pass, which is not supported"),
        ({"problem.yaml": "validation: custom"}, "output_validators/ holds no program"),
        ({"problem.yaml": "validation: custom", "output_validators/v.rb": "exit 42"}, "holds no program"),
        ({"problem.yaml": "problem_format_version: 2023-07\ntype: interactive"}, "no output validator"),
        ({"problem.yaml": "validator_flags: ignore_everything"}, "unknown flag 'ignore_everything'"),
        ({"problem.yaml": "limits: {memory: much}"}, "`memory` must be a number"),
        ({"problem.yaml": "limits: []"}, "`limits` must be a mapping"),
        ({"problem.yaml": "name: x", ".timelimit": "soon"}, ".timelimit must hold seconds"),
        ({"problem.yaml": "name: x", ".timelimit": "-1"}, "above 0 seconds"),
        ({"problem.yaml": "name: x", "domjudge-problem.ini": "timelimit = soon"}, "timelimit must hold seconds"),
        ({"data/secret/b.ans": None}, "data/secret/b.in has no b.ans beside it"),
        ({"data/testdata.yaml": "on_reject: maybe"}, "`on_reject` must be `break` or `continue`"),
        ({"data/testdata.yaml": "grading: custom"}, "only `grading: default` is supported"),
        ({"data/testdata.yaml": "grader_flags: best"}, "unknown grader flag 'best'"),
        ({"data/testdata.yaml": "accept_score: lots"}, "`accept_score` must be a number"),
        ({"data/testdata.yaml": "- 1"}, "testdata.yaml must be a mapping"),
    ],
)
def test_a_broken_package_gets_one_line(tmp_path: Path, files: dict[str, str | None], expected: str) -> None:
    with pytest.raises(UserError) as caught:
        read_package(package(tmp_path, files))
    assert expected in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_package_without_cases_is_refused(tmp_path: Path) -> None:
    root = package(
        tmp_path, {f"data/{name}.{end}": None for name in ("sample/1", "secret/a", "secret/b") for end in ("in", "ans")}
    )
    (root / "data" / "secret").mkdir(parents=True)
    with pytest.raises(UserError, match="no test cases"):
        read_package(root)


def test_data_that_leads_back_to_itself_is_refused(tmp_path: Path) -> None:
    root = package(tmp_path)
    (root / "data" / "secret" / "again").symlink_to(root / "data")
    with pytest.raises(UserError, match="nested too deeply"):
        read_package(root)


def test_submissions_come_accepted_first_and_directories_count_as_one(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {
        "submissions/wrong_answer/bad.py": "print(1)",
        "submissions/accepted/many/main.cpp": "int main() {}",
        "submissions/accepted/many/rest.cpp": "",
        "submissions/accepted/.hidden": "",
        "submissions/README": "",
    }
    found = [(entry.name, entry.expected) for entry in entries(package(tmp_path, changes))]
    assert found == [
        ("accepted/double.py", "accepted"),
        ("accepted/many", "accepted"),
        ("wrong_answer/bad.py", "wrong_answer"),
    ]
