"""One problem of a data set before it is built: a row, or a directory of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from eval.cases import Group
from eval.contest import open_contest
from eval.datasets.family import Family, Solution
from eval.datasets.places import Directories, Files, OnHub
from eval.datasets.registry import DataSet
from eval.datasets.rows import rows
from eval.package import entries as package_entries
from eval.sources import read_source
from eval.task import About, Task, load_task
from solver.errors import UserError
from solver.formats import apps, load_problem
from solver.formats.fields import BadRecord, Record
from solver.formats.loading import ids_of
from solver.problem import Problem


class Entry(Protocol):
    """All but `ids` and `label` raise BadRecord or UserError for a problem that is broken."""

    @property
    def label(self) -> str:
        """What it is called in messages, before it has a name."""

    def ids(self) -> Iterable[str]:
        """All that it may be called."""

    def about(self) -> About: ...

    def problem(self) -> Problem:
        """From public columns or files only."""

    def task(self) -> Task: ...

    def solutions(self) -> Iterator[Solution]: ...


@dataclass(frozen=True, slots=True)
class Row:
    """A record. number: its place in the data set, from 0."""

    family: Family
    record: Record
    number: int

    @property
    def label(self) -> str:
        return next(iter(self.ids()), f"row {self.number}")[:200]

    def ids(self) -> Iterator[str]:
        yield from ids_of(self.record)

    def about(self) -> About:
        return self.family.about(self.record)

    def problem(self) -> Problem:
        return self.family.problem(self.family.public_part(self.record))

    def task(self) -> Task:
        return dataclasses.replace(self.family.task(self.record, self.problem()), about=self.about())

    def solutions(self) -> Iterator[Solution]:
        yield from self.family.solutions(self.record)


@dataclass(frozen=True, slots=True)
class Directory:
    """A problem of our own or a Kattis package, in a directory."""

    path: Path

    @property
    def label(self) -> str:
        return self.path.name

    def ids(self) -> Iterator[str]:
        yield self.path.name

    def about(self) -> About:
        problem = self.problem()
        return About(problem.source, problem.difficulty, None, tuple(problem.tags))

    def problem(self) -> Problem:
        return load_problem(self.path)

    def task(self) -> Task:
        if (self.path / "problem.json").is_file():
            return dataclasses.replace(load_task(self.path), about=self.about())
        return self._package()

    def solutions(self) -> Iterator[Solution]:
        """A package's accepted submissions of one file; `solution.*` beside a problem of ours."""
        if (self.path / "problem.json").is_file():
            found = sorted(self.path.glob("solution.*"))
        else:
            found = [entry.path for entry in package_entries(self.path) if entry.expected == "accepted"]
        for path in found:
            source = read_source(path)
            if source.language and not source.files:
                yield source.language, source.text

    def _package(self) -> Task:
        contest = open_contest(self.path, None, None, None)
        if contest.scoring:
            raise BadRecord("its submissions are scored, not right or wrong")
        if contest.interactor is not None:
            raise BadRecord("it is interactive")
        problem = self.problem()
        return Task(problem, (), data=_flat(contest.data), checker=contest.checker, about=self.about())


@dataclass(frozen=True, slots=True)
class Unknown:
    """A record of no kind that the data set may hold."""

    label: str

    def ids(self) -> Iterator[str]:
        yield self.label

    def about(self) -> About:
        raise BadRecord("not a record of this data set")

    def problem(self) -> Problem:
        raise BadRecord("not a record of this data set")

    def task(self) -> Task:
        raise BadRecord("not a record of this data set")

    def solutions(self) -> Iterator[Solution]:
        raise BadRecord("not a record of this data set")


def entries(data_set: DataSet, place: Files | Directories | OnHub, only: frozenset[str] | None) -> Iterator[Entry]:
    """Everything there. only: the columns to decode, None for all.

    Raises UserError for what cannot be read, or when the first record is of another data set.
    """
    if isinstance(place, Directories):
        for path in place.problems():
            yield _of_directory(path, data_set, with_tests=only is None)
        return
    if not data_set.families:
        raise UserError("this data set is a folder of problem packages, not of records")
    for number, record in enumerate(rows(place, only)):
        family = next((family for family in data_set.families if family.recognises(record)), None)
        if family is None and number == 0:
            names = " or ".join(family.name for family in data_set.families)
            columns = ", ".join(repr(name[:40]) for name in list(record)[:12])
            raise UserError(f"these are no {names} records; their columns: {columns or 'none'}")
        if family is None:
            yield Unknown(next(iter(ids_of(record)), f"row {number}")[:200])
            continue
        if family.numbered and not any(record.get(key) for key in ("problem_id", "id")):
            record = {**record, "problem_id": number}
        yield Row(family, record, number)


def public_columns(families: Collection[Family]) -> frozenset[str]:
    """What the problems of these kinds are made from."""
    return frozenset().union(*(family.public for family in families))


def solution_columns(families: Collection[Family]) -> frozenset[str]:
    """What their reference solutions are in."""
    return frozenset().union(*(family.solution_columns for family in families))


def _of_directory(path: Path, data_set: DataSet, *, with_tests: bool) -> Entry:
    family = next((family for family in data_set.families if family.name == "APPS"), None)
    if family is not None and (path / "question.txt").is_file() and not (path / "problem.json").is_file():
        record = apps.record_of_directory(path, with_tests=with_tests)
        return Row(family, record, 0)
    return Directory(path)


def _flat(data: Group) -> Group:
    """All cases of a package in its order, for a judge that stops at the first failure."""
    return Group(data.name, tuple(data.cases()))
