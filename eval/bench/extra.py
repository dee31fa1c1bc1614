"""Extra tests of a judged benchmark run: reference solutions make them, accepted submissions are judged on them.

`rejudge_accepted` is what the judge's process does (nobody else may hold hidden tests); `make_extra_tests` starts it
and shows how far it is. What is found is kept a problem at a time in extra.jsonl and not found again.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TextIO

from filelock import FileLock, Timeout
from rich.console import Console

from eval.bench.config import BenchConfig, read_config
from eval.bench.judge_client import judge_command, last_line
from eval.bench.layout import BenchDirectory
from eval.bench.problem_run import ProblemRun, load_run
from eval.bench.verdicts import JudgedProblem, Verdicts
from eval.datasets import DATA_SETS, DatasetSpec, Skipped, reference_solutions, tasks
from eval.metrics.false_positives import (
    Rejudged,
    Solution,
    append_rejudged,
    check_accepted,
    load_rejudged,
    save_rejudged,
)
from eval.task import Task
from sandbox import Sandbox
from solver.errors import UserError

# --- the driver's side ----------------------------------------------------------------------------


def check_references(data: DatasetSpec) -> None:
    """Raises UserError when no problem of this data set can have a reference solution."""
    if not DATA_SETS[data.name].has_solutions:
        able = ", ".join(name for name, one in DATA_SETS.items() if one.has_solutions)
        raise UserError(f"--extra-tests: {data.name} has no reference solutions to make tests with; these have: {able}")


def make_extra_tests(root: Path, count: int, console: Console) -> None:
    """count: inputs to generate a problem. Raises UserError; a KeyboardInterrupt ends the judge's process too."""
    bench = BenchDirectory(root)
    check_references(read_config(root).data)
    if not bench.verdicts.exists():
        return
    try:
        with FileLock(bench.lock).acquire(timeout=0):
            _run(bench, count, console)
    except Timeout:
        raise UserError(f"{root}: another solve is working in this directory; wait for it or stop it") from None
    told = load_rejudged(bench.extra)
    reasons = Counter(one.why for one in told.values() if one.why)
    if told and len(told) == reasons.total():
        why = "; ".join(f"{many} × {reason}" for reason, many in reasons.most_common(3))
        console.print(f"extra tests: no problem has any ({why})", highlight=False, markup=False)


def _run(bench: BenchDirectory, count: int, console: Console) -> None:
    log = bench.root / "judge.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            judge_command(bench.root, "extra", str(count)),
            stdin=subprocess.PIPE,  # its end tells the process that we are gone
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    assert process.stdout is not None
    done = failed = 0
    try:
        with console.status("extra tests: reading the data set") as status:
            for line in process.stdout:
                failed += json.loads(line)["failed"]
                done += 1
                status.update(f"extra tests: {done} solved problems looked at, {failed} accepted programs fail")
        if process.wait():
            why = last_line(log.read_text("utf-8", errors="replace"))
            raise UserError(f"the extra tests stopped: {why}; go on with `solve report {bench.root} --extra-tests N`")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


# --- the judge's side -----------------------------------------------------------------------------


async def rejudge_accepted(root: Path, config: BenchConfig, count: int, out: TextIO) -> None:
    """A line on `out` for each problem that was looked at now. Raises UserError, OSError."""
    bench = BenchDirectory(root)
    with Verdicts(bench.verdicts, read_only=True) as verdicts:
        judged = {about.name: about for about in verdicts.problems(judged=True)}
        known = _still_good(root, verdicts, judged, count) if bench.extra.exists() else {}
        save_rejudged(bench.extra, known.values())
        left = {name: about for name, about in judged.items() if name not in known and _accepted(root, about, verdicts)}
        if not left:
            return
        whole = config.data.model_copy(update={"limit": None, "seed": None})
        references = _References(whole, {name: about.number for name, about in judged.items()})
        async with Sandbox(config.run.workers, allow_unsafe=config.run.unsafe_no_isolation) as sandbox:
            for task in _tasks(whole, left):
                name = task.problem.name
                run = load_run(root / left[name].directory, left[name], verdicts)
                found = check_accepted(
                    [run],
                    {name: task}.get,
                    references.of,
                    sandbox,
                    count=count,
                    seed=config.run.seed,
                    time_factor=config.run.time_factor,
                )
                async for row in found:
                    append_rejudged(bench.extra, row)
                    print(
                        json.dumps({"name": name, "checked": row.checked, "failed": row.failed}), file=out, flush=True
                    )


def _still_good(root: Path, verdicts: Verdicts, judged: dict[str, JudgedProblem], count: int) -> dict[str, Rejudged]:
    """What was found with as many inputs for the programs that are accepted now, and without an error of ours."""
    good = {}
    for name, row in load_rejudged(BenchDirectory(root).extra).items():
        if name not in judged or row.asked != count or "IE" in row.verdicts.values():
            continue
        if not row.verdicts or set(row.verdicts) == _accepted(root, judged[name], verdicts):
            good[name] = row
    return good


def _accepted(root: Path, about: JudgedProblem, verdicts: Verdicts) -> set[str]:
    run: ProblemRun = load_run(root / about.directory, about, verdicts)
    return {run.evidence.candidates[one.row].key for one in run.submissions if run.right[one.row]}


def _tasks(data: DatasetSpec, wanted: dict[str, JudgedProblem]) -> Iterator[Task]:
    left = set(wanted)
    for found in tasks(data):
        if not isinstance(found, Skipped) and found.problem.name in left:
            left.discard(found.problem.name)
            yield found
        if not left:
            return


class _References:
    """Reference solutions beside the tasks, both in the data set's order, so that one problem's are held at a time."""

    def __init__(self, data: DatasetSpec, number_of: dict[str, int]) -> None:
        self._groups = groupby(reference_solutions(data), key=lambda row: row[0])
        self._number_of = number_of
        self._name: str | None = ""
        self._solutions: list[Solution] = []

    def of(self, name: str) -> list[Solution]:
        """Names must come in the data set's order."""
        while self._name is not None and self._number_of.get(self._name, 0) < self._number_of[name]:
            self._name, rows = next(self._groups, (None, iter(())))
            wanted = self._name in self._number_of
            kept = dict.fromkeys(Solution(language, source) for _, language, source in rows) if wanted else ()
            self._solutions = list(kept)
        return self._solutions if self._name == name else []
