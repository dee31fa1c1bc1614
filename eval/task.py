"""A problem together with its hidden tests. Nothing outside `eval` can build one.

Hidden tests come from CodeContests records (private, then generated tests), APPS records and directories
(`input_output`), Kattis packages (`data/secret`) and our own format (`tests.json` beside the problem file). Of other
formats none can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from solver.errors import UserError
from solver.formats import load_problem
from solver.formats.fields import BadRecord, Record, embedded_json, tests_field
from solver.formats.files import read_json_object, read_text
from solver.formats.loading import select
from solver.problem import Problem

OWN_TESTS_FILE = "tests.json"


@dataclass(frozen=True, slots=True)
class HiddenTest:
    """One test. `outputs` holds every expected output that the data set allows, mostly one."""

    input: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """`tests` is empty when the data set has none for this problem: then nothing can be shown about a program."""

    problem: Problem
    tests: tuple[HiddenTest, ...]


def load_task(path: Path, record_id: str | None = None) -> Task:
    """The problem that `load_problem` finds, with its hidden tests. Raises UserError."""
    problem = load_problem(path, record_id)
    try:
        tests = tuple(_hidden_tests(path, record_id))
    except BadRecord as error:
        raise UserError(f"{path}: the hidden tests of {problem.name!r} cannot be read: {error}") from None
    return Task(problem, tests)


def _hidden_tests(path: Path, record_id: str | None) -> Iterator[HiddenTest]:
    if path.is_dir():
        path = path / record_id if record_id is not None else path
        if not (path / "problem.json").is_file():
            yield from _directory(path)
            return
        path, record_id = path / "problem.json", None
    record = select(path, record_id)
    if not {"private_tests", "generated_tests", "input_output"}.isdisjoint(record):
        yield from tests_of_record(record)
    elif (path.parent / OWN_TESTS_FILE).is_file():
        own = embedded_json({"tests": read_text(path.parent / OWN_TESTS_FILE)}, "tests")
        yield from (HiddenTest(test.input, (test.output,)) for test in tests_field({"tests": own}, "tests"))


def tests_of_record(record: Record) -> Iterator[HiddenTest]:
    """The hidden tests that a CodeContests or APPS record holds. Raises BadRecord."""
    if "private_tests" in record or "generated_tests" in record:
        for key in ("private_tests", "generated_tests"):
            yield from (HiddenTest(test.input, (test.output,)) for test in tests_field(record, key))
    elif "input_output" in record:
        tests = embedded_json(record, "input_output")
        yield from _apps(tests) if tests is not None else ()


def _directory(path: Path) -> Iterator[HiddenTest]:
    """An APPS directory's or a Kattis package's."""
    if (path / "input_output.json").is_file():
        yield from _apps(read_json_object(path / "input_output.json"))
    for given in sorted((path / "data" / "secret").rglob("*.in")):
        answer = given.with_suffix(".ans")
        if answer.is_file():
            yield HiddenTest(read_text(given), (read_text(answer),))


def _apps(tests: object) -> Iterator[HiddenTest]:
    """APPS's tests. With `fn_name` an input is a list of arguments, and a list of outputs may wrap the value."""
    if not isinstance(tests, dict):
        raise BadRecord("`input_output` must hold an object")
    inputs, outputs = tests.get("inputs", []), tests.get("outputs", [])
    if not isinstance(inputs, list) or not isinstance(outputs, list) or len(inputs) != len(outputs):
        raise BadRecord("`inputs` and `outputs` must be lists of the same length")
    for given, wanted in zip(inputs, outputs, strict=True):
        if not tests.get("fn_name"):
            yield HiddenTest(_text(given), (_text(wanted),))
            continue
        if not isinstance(given, list):
            raise BadRecord("with `fn_name` each of `inputs` must be a list of arguments")
        values = [wanted, wanted[0]] if isinstance(wanted, list) and wanted else [wanted]
        yield HiddenTest(", ".join(map(repr, given)), tuple(map(repr, values)))


def _text(content: object) -> str:
    """Standard input or output, which some records give as a list of lines."""
    if isinstance(content, list):
        return "\n".join(map(str, content))
    return str(content)
