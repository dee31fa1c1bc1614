"""What each kind of record needs: which columns a problem may be made from, its hidden tests, what is said about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eval.task import About, Task
from solver.formats.fields import Record, number_field
from solver.problem import Problem

Solution = tuple[str, str]  # language ("python2" among them), source

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of record.

    recognises: by the names of its columns. public: the columns that a problem is made from; all others are None before
    `problem` sees the record. shown: takes away what a public column holds of hidden tests. task: the problem with its
    hidden tests, from the whole record. solutions: reference solutions, from `solution_columns`.
    All but `recognises` raise BadRecord. numbered: records have no id, their place in the data set stands for one.
    """

    name: str
    recognises: Callable[[Record], bool]
    public: frozenset[str]
    problem: Callable[[Record], Problem]
    task: Callable[[Record, Problem], Task]
    about: Callable[[Record], About]
    solution_columns: frozenset[str] = frozenset()
    solutions: Callable[[Record], Iterator[Solution]] = lambda record: iter(())
    shown: Callable[[Record], Record] = lambda record: record
    numbered: bool = False

    def public_part(self, record: Record) -> Record:
        """The record as the engine may know it: the same columns, those that hold hidden things empty."""
        return self.shown({key: value if key in self.public else None for key, value in record.items()})


def day(value: object) -> str:
    """`2023-08-21` of a date, a time or a text that begins with one; empty when there is none."""
    found = _DAY.match(str(value or ""))
    return found[0] if found else ""


def rating_of(record: Record, key: str) -> int | None:
    """A rating above 0. Raises BadRecord."""
    number = number_field(record, key)
    return int(number) if number else None
