"""A problem together with its hidden tests. Nothing outside `eval` can build one.

`load_task` finds hidden tests in CodeContests records (private, then generated tests), APPS records and directories
(`input_output`), Kattis packages (`data/secret`) and our own format (`tests.json` beside the problem file). Data sets
(`eval.datasets`) have more kinds: test code, inputs without outputs, a package's own groups and checker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.cases import Group
from sandbox import CheckerSpec, Limits
from solver.errors import UserError
from solver.formats import load_problem
from solver.formats.fields import BadRecord, Record, embedded_json, tests_field
from solver.formats.files import read_json_object, read_text
from solver.formats.loading import select
from solver.problem import Problem

OWN_TESTS_FILE = "tests.json"
_ASSERT = re.compile(r"^[ \t]*assert(?:ion)?\b", re.MULTILINE)
CODE_LIMITS = Limits(cpu_seconds=10.0, memory_bytes=2**30)


@dataclass(frozen=True, slots=True)
class HiddenTest:
    """One test. `outputs` holds every expected output that the data set allows, mostly one."""

    input: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TestCode:
    """Python that calls the entry point, or `candidate`, and asserts things (`Sandbox.check`).

    prelude: what the test code needs to be defined. limits: the program's, for all calls together.
    """

    source: str
    prelude: str = ""
    limits: Limits = CODE_LIMITS

    @property
    def asserts(self) -> int:
        """How many lines assert something, 1 at least; one in a loop is one."""
        return max(1, len(_ASSERT.findall(self.source)))


@dataclass(frozen=True, slots=True)
class Reference:
    """Hidden inputs without outputs: what is right is what the reference solution prints (`eval.input_only`).

    inputs: argument texts. printing: a program that reads a tuple of arguments a line, prints a value a line.
    driver: source put behind a program, which defines what is called and compared.
    """

    inputs: tuple[str, ...]
    printing: str
    driver: str


@dataclass(frozen=True, slots=True)
class About:
    """What the data set says of a problem, for filters and tables. rating: None when unknown. date: `2023-08-21` or
    empty. source: the site or collection that the problem is from."""

    source: str = ""
    difficulty: str = ""
    rating: int | None = None
    tags: tuple[str, ...] = ()
    date: str = ""


_UNKNOWN = About()


@dataclass(frozen=True, slots=True)
class Task:
    """A problem and what judges it: any of `tests`, `code`, `reference` and `data`.

    Without all of them the data set has nothing hidden for this problem, and nothing can be shown about a program.
    data: all groups of a Kattis package, samples included. checker: the judge's own, where the engine's is less.
    """

    problem: Problem
    tests: tuple[HiddenTest, ...]
    code: TestCode | None = None
    reference: Reference | None = None
    data: Group | None = None
    checker: CheckerSpec | None = None
    about: About = _UNKNOWN

    @property
    def is_judgeable(self) -> bool:
        """Whether there is any hidden test at all."""
        return bool(self.tests or self.code or self.reference or (self.data is not None and self.hidden_tests))

    @property
    def hidden_tests(self) -> int:
        """How many hidden tests there are; of test code, how many assertions."""
        if self.data is not None:
            return sum(not case.name.startswith("sample/") for case in self.data.cases())
        if self.reference is not None:
            return len(self.tests or self.reference.inputs)
        return len(self.tests) + (self.code.asserts if self.code else 0)


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
