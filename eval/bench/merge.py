"""Benchmark runs of the shards of one configuration, put together as the run of the whole.

The result is a benchmark directory like any other: everything that reads one reads it, in the data set's order, so its
figures are those of a run that was never split. Runs are copied; with `link` they stay where they are.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from eval.bench.config import BenchConfig, read_config, write_config
from eval.bench.drive import read_plan
from eval.bench.layout import BenchDirectory
from eval.bench.skips import skipped
from eval.bench.verdicts import JudgedProblem, Verdicts
from eval.metrics.false_positives import load_rejudged, save_rejudged
from solver.errors import UserError

_MAY_DIFFER: dict[str, Any] = {"data": {"shard"}, "run": {"recorded", "workers"}, "cluster": True}
"""Where a shard's samples were and how many cores ran them changes nothing that is merged."""


@dataclass(frozen=True, slots=True)
class _Owned:
    """A problem and the run that has it. judged: it has hidden tests, and so verdicts."""

    problem: JudgedProblem
    root: Path
    judged: bool


def merge(out: Path, roots: Sequence[Path], *, link: bool = False) -> list[str]:
    """Makes the benchmark directory `out`; returns what the user should know, such as shards that are missing.

    Raises UserError when the runs do not belong together, one is still worked on, or `out` cannot be used.
    """
    configs = {root: read_config(root) for root in roots}
    first = roots[0]
    for root in roots[1:]:
        if (where := _difference(_comparable(configs[first]), _comparable(configs[root]))) is not None:
            raise UserError(f"{root}: another configuration than {first}: {where}; only shards of one can be merged")
    counts = {config.data.shard[1] for config in configs.values() if config.data.shard is not None}
    if len(counts) > 1:
        raise UserError(f"shards of {' and of '.join(map(str, sorted(counts)))}; only shards of one number are a whole")
    whole = configs[first]
    whole = whole.model_copy(update={"data": whole.data.model_copy(update={"shard": None})})
    target = BenchDirectory(out)
    if target.config.exists():
        raise UserError(f"{out}: already holds a benchmark run; choose another directory")
    with ExitStack() as locks:
        for root in roots:
            locks.enter_context(_locked(root))
        owner = _owners(roots)
        try:
            target.problems.mkdir(parents=True, exist_ok=True)
            _merge_runs(target, owner, link=link)
            _merge_records(target, roots, owner)
        except OSError as error:
            raise UserError(f"{out}: cannot be written ({error.strerror or error}); choose another directory") from None
    write_config(target, whole)  # last: without it this is no benchmark run yet
    return [*_missing([configs[root] for root in roots]), *_unfinished(roots)]


def _comparable(config: BenchConfig) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude=_MAY_DIFFER)


def _difference(one: Mapping[str, Any], other: Mapping[str, Any], path: str = "") -> str | None:
    """`run.seed is 0 here and 1 there`; None when they are equal."""
    for name in one:
        if isinstance(one[name], dict) and isinstance(other[name], dict):
            if (found := _difference(one[name], other[name], f"{path}{name}.")) is not None:
                return found
        elif one[name] != other[name]:
            return f"{path}{name} is {other[name]!r}, not {one[name]!r}"
    return None


def _locked(root: Path) -> Any:
    try:
        return FileLock(BenchDirectory(root).lock).acquire(timeout=0)
    except Timeout:
        raise UserError(f"{root}: another solve is working in this directory; wait for it or stop it") from None


def _problems(root: Path) -> Iterator[_Owned]:
    bench = BenchDirectory(root)
    if not bench.verdicts.exists() or not bench.plan.exists():
        raise UserError(f"{root}: nothing was run yet; begin with `solve bench --resume {root}`")
    with Verdicts(bench.verdicts, read_only=True) as opened:
        for problem in opened.problems():
            yield _Owned(problem, root, judged=True)
    for planned in read_plan(bench).values():
        if not planned.judged:
            yield _Owned(JudgedProblem(planned.name, planned.number, planned.directory), root, judged=False)


def _owners(roots: Sequence[Path]) -> list[_Owned]:
    """Every problem, in the data set's order and so numbered. Raises UserError for one that two runs have."""
    owner: dict[str, _Owned] = {}
    for root in roots:
        for owned in _problems(root):
            if (other := owner.setdefault(owned.problem.name, owned)) is not owned:
                raise UserError(f"{root}: problem {owned.problem.name!r} is in {other.root} too; shards share none")
    ordered = sorted(owner.values(), key=lambda owned: owned.problem.number)
    return [replace(owned, problem=replace(owned.problem, number=place)) for place, owned in enumerate(ordered, 1)]


def _merge_runs(target: BenchDirectory, owner: list[_Owned], *, link: bool) -> None:
    rows = []
    for owned in owner:
        problem = owned.problem
        rows.append(
            {
                "name": problem.name,
                "number": problem.number,
                "directory": problem.directory,
                "judged": owned.judged,
            }
        )
        theirs, ours = owned.root / problem.directory, target.root / problem.directory
        if not theirs.exists():
            continue  # not begun, or without recorded samples
        if ours.is_symlink():
            ours.unlink()
        shutil.rmtree(ours, ignore_errors=True)
        if link:
            ours.symlink_to(os.path.relpath(theirs.resolve(), ours.parent.resolve()))
        else:
            shutil.copytree(theirs, ours, ignore=shutil.ignore_patterns(".lock"))
    _write_lines(target.plan, rows)


def _merge_records(target: BenchDirectory, roots: Sequence[Path], owner: list[_Owned]) -> None:
    rows = [{"problem": name, "reason": reason} for root in roots for name, reason in skipped(BenchDirectory(root))]
    _write_lines(target.skipped, rows)
    for stale in target.root.glob("verdicts.sqlite*"):
        stale.unlink()
    with Verdicts(target.verdicts) as merged:
        for problem, root in [(owned.problem, owned.root) for owned in owner if owned.judged]:
            with Verdicts(BenchDirectory(root).verdicts, read_only=True) as theirs:
                merged.add_problem(problem)
                for program, judgement in theirs.of(problem.name).items():
                    merged.add(problem.name, program, judgement)
                if theirs.is_finished(problem.name):
                    merged.finish(problem.name)
    extras = [extra for root in roots if (extra := BenchDirectory(root).extra).exists()]
    if extras:
        save_rejudged(target.extra, [row for extra in extras for row in load_rejudged(extra).values()])


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _missing(configs: Sequence[BenchConfig]) -> list[str]:
    shards = {config.data.shard for config in configs if config.data.shard is not None}
    if not shards:
        return []
    count = max(count for _, count in shards)
    missing = sorted(set(range(count)) - {number for number, _ in shards})
    return [f"without shard {', '.join(f'{number}/{count}' for number in missing)}"] if missing else []


def _unfinished(roots: Sequence[Path]) -> list[str]:
    told = []
    for root in roots:
        bench = BenchDirectory(root)
        names = {name for name, _ in skipped(bench)}
        planned = [one for one in read_plan(bench).values() if one.name not in names]
        left = sum(not (root / one.directory / "report.json").exists() for one in planned)
        if left:
            told.append(f"{root}: {left} of {len(planned)} problems are not finished; the figures are without them")
    return told
