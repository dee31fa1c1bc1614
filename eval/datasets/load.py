"""From a spec to problems, tasks or reference solutions, with a reason for each problem that is skipped.

`problems` never decodes a hidden column; `tasks` is for the judge. Each counts a `limit` by what it can use itself: a
problem may be fine while its tests are not. So let the judge's side choose (`tasks`), and give the names that it found
to the other as `ids`.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from eval.datasets.entries import Entry, entries, public_columns, solution_columns
from eval.datasets.places import place_of
from eval.datasets.registry import DATA_SETS
from eval.datasets.spec import DatasetSpec
from eval.task import HiddenTest, Task
from solver.errors import UserError
from solver.formats.fields import BadRecord
from solver.problem import Problem

NO_TESTS = "no hidden tests"
ONLY_REPEATS = "every hidden test repeats an example"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A problem that passed the filters and could not be used."""

    problem: str
    reason: str


Item = TypeVar("Item")


def tasks(spec: DatasetSpec) -> Iterator[Task | Skipped]:
    """Problems with their hidden tests, in the data set's order. Raises UserError when it cannot be read."""
    yield from (found for _, found in placed_tasks(spec))


def placed_tasks(spec: DatasetSpec) -> Iterator[tuple[int, Task | Skipped]]:
    """As `tasks`, each with its place among all problems that pass the filters, from 0: the same in every shard."""

    def build(entry: Entry) -> tuple[str, Task]:
        task = _worth_judging(entry.task(), spec)
        return task.problem.name, task

    yield from _placed(spec, None, build)


def problems(spec: DatasetSpec) -> Iterator[Problem | Skipped]:
    """Problems as the engine sees them, in the data set's order. Raises UserError when it cannot be read."""

    def build(entry: Entry) -> tuple[str, Problem]:
        problem = entry.problem()
        return problem.name, problem

    yield from _walk(spec, public_columns(DATA_SETS[spec.name].families), build)


def reference_solutions(spec: DatasetSpec) -> Iterator[tuple[str, str, str]]:
    """(problem's name, language, source) of every reference solution; Python 2 ones have the language `python2`.

    Problems that cannot be read, and solutions that cannot, are left out. Raises UserError when the data set cannot.
    """
    families = DATA_SETS[spec.name].families
    columns = public_columns(families) | solution_columns(families)

    def build(entry: Entry) -> tuple[str, list[tuple[str, str, str]]]:
        name = entry.problem().name
        return name, [(name, language, source) for language, source in entry.solutions()]

    for found in _walk(spec, columns, build):
        if not isinstance(found, Skipped):
            yield from found


def _walk(
    spec: DatasetSpec, columns: frozenset[str] | None, build: Callable[[Entry], tuple[str, Item]]
) -> Iterator[Item | Skipped]:
    yield from (item for _, item in _placed(spec, columns, build))


def _placed(
    spec: DatasetSpec, columns: frozenset[str] | None, build: Callable[[Entry], tuple[str, Item]]
) -> Iterator[tuple[int, Item | Skipped]]:
    """What is chosen, with its place. A shard reads what all of them read, since a limit counts the problems of all."""
    for place, item in _chosen(spec, columns, build):
        if spec.shard is None or place % spec.shard[1] == spec.shard[0]:
            yield place, item


def _chosen(
    spec: DatasetSpec, columns: frozenset[str] | None, build: Callable[[Entry], tuple[str, Item]]
) -> Iterator[tuple[int, Item | Skipped]]:
    """With a seed the data set is read twice: which problems belong to the sample is known at its end only."""
    if spec.seed is None or spec.limit is None:
        yield from enumerate(_first(_all(spec, columns, build), spec.limit))
        return
    every: Iterator[tuple[str, Item | Skipped]] = _all(spec, columns, build)
    last = _last_rank(spec.seed, spec.limit, (name for name, item in every if not _skipped(item)))
    for place, (name, item) in enumerate(_all(spec, columns, build)):
        if last is None or _rank(spec.seed, name) <= last:
            yield place, item


def _first(items: Iterator[tuple[str, Item | Skipped]], limit: int | None) -> Iterator[Item | Skipped]:
    left = limit
    for _, item in items:
        yield item
        if left is not None and not _skipped(item):
            left -= 1
            if left == 0:
                return


def _last_rank(seed: int, limit: int, names: Iterator[str]) -> bytes | None:
    """The highest rank in the sample, a problem's rank being a digest of seed and name; None when all belong to it."""
    lowest = heapq.nsmallest(limit, (_rank(seed, name) for name in names))
    return lowest[-1] if len(lowest) == limit else None


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\0{name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _all(
    spec: DatasetSpec, columns: frozenset[str] | None, build: Callable[[Entry], tuple[str, Item]]
) -> Iterator[tuple[str, Item | Skipped]]:
    """(name, what was built or why not) of all that the filters want."""
    data_set = DATA_SETS[spec.name]
    seen: set[str] = set()
    missing = set(spec.ids)
    for entry in entries(data_set, place_of(data_set, spec.path, spec.split), columns):
        if spec.ids and missing.isdisjoint(called := set(entry.ids())):
            continue
        try:
            if not spec.wants(entry.about()):
                continue
            name, item = build(entry)
        except (BadRecord, UserError) as error:
            yield entry.label, Skipped(entry.label, _one_line(error))
        else:
            if name in seen:
                yield name, Skipped(name, "another problem has the same name")
            else:
                seen.add(name)
                yield name, item
        if spec.ids:
            missing -= called
            if not missing:
                return
    for name in sorted(missing):
        yield name, Skipped(name, "the data set has no problem of this name that passes the filters")


def _worth_judging(task: Task, spec: DatasetSpec) -> Task:
    """Raises BadRecord for a task that cannot tell right programs from those that pass the examples; where such tasks
    are wanted all the same, they come without tests."""
    reason = "" if task.is_judgeable else NO_TESTS
    if task.tests and not spec.allow_repeats:
        shown = {_pair(example.input, example.output) for example in task.problem.examples}
        if all(_repeats(test, shown) for test in task.tests):
            reason = ONLY_REPEATS
    if not reason:
        return task
    if not spec.allow_untested:
        raise BadRecord(reason)
    return Task(task.problem, (), about=task.about)


def _repeats(test: HiddenTest, shown: set[tuple[str, ...]]) -> bool:
    return any(_pair(test.input, output) in shown for output in test.outputs)


def _pair(given: str, wanted: str) -> tuple[str, ...]:
    return " ".join(given.split()), " ".join(wanted.split())


def _skipped(item: object) -> bool:
    return isinstance(item, Skipped)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
