"""`solve judge`: programs against a problem's tests, or a whole Kattis package against what its directories promise."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from eval.contest import Contest, checker_at, open_contest
from eval.judging import Panel, Report, Submission
from eval.package import Entry, entries
from eval.sources import read_source, runnable
from sandbox import Sandbox, Verdict
from sandbox.validators import PROGRAM_KINDS
from solver.errors import UserError

EXIT_DISAGREE = 1
_PATH = click.Path(path_type=Path)


def _words(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (value or "").split(",") if word.strip())


@click.command()
@click.argument("problem", type=_PATH)
@click.argument("submissions", metavar="[SUBMISSION]...", nargs=-1, type=_PATH)
@click.option("--id", "record_id", help="Which record of a file with several.")
@click.option("--time-limit", type=float, metavar="SECONDS", help="CPU seconds for one test.  [default: the problem's]")
@click.option("--all-tests", is_flag=True, help="Go on after the first failing test.")
@click.option("--languages", "wanted", callback=_words, metavar="A,B", help="Only submissions in these languages.")
@click.option("--submissions", "pattern", metavar="GLOB", help="Only these of a package, e.g. 'wrong_answer/*'.")
@click.option("--checker", type=_PATH, metavar="PATH", help="Your own checker: a file or a directory of sources.")
@click.option(
    "--checker-style", type=click.Choice(list(PROGRAM_KINDS)), help="How it is called, if its text does not tell."
)
@click.option("--include", type=_PATH, metavar="PATH", help="What the checker includes: testlib.h, or its directory.")
@click.option("--workers", type=click.IntRange(min=1), help="Programs that run at once.  [default: one per core]")
@click.option("--unsafe-no-isolation", is_flag=True, help="Run even where programs cannot be confined.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per submission, then one of totals.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def judge(
    problem: Path,
    submissions: tuple[Path, ...],
    record_id: str | None,
    time_limit: float | None,
    all_tests: bool,
    wanted: tuple[str, ...],
    pattern: str | None,
    checker: Path | None,
    checker_style: str | None,
    include: Path | None,
    workers: int | None,
    unsafe_no_isolation: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Judge programs on a problem's examples and hidden tests.

    PROBLEM is a problem file or directory in any known format. For a Kattis package without SUBMISSION every program
    in its submissions/ is judged and compared with the directory it lies in.

    Exit code 0: every verdict is as promised (without a promise: accepted). 1: some are not. 2: bad input or set-up.
    """
    if time_limit is not None and not 0 < time_limit <= 3600:
        raise UserError("--time-limit must be above 0 and at most 3600 seconds")
    spec = checker_at(checker, checker_style, include) if checker is not None else None
    contest = open_contest(problem, record_id, time_limit, spec)
    chosen, skipped = _chosen(contest, submissions, pattern, wanted)
    accepted = _of_package(contest, "accepted/*")[0] if contest.time_seconds is None else []
    say = _Speaker(as_json, quiet)
    say.skipped(skipped)
    panel, reports = asyncio.run(
        _judged(contest, chosen, accepted, say, workers, allow_unsafe=unsafe_no_isolation, all_tests=all_tests)
    )
    say.totals(contest, panel.time_seconds, reports, len(skipped))
    sys.exit(0 if all(map(_fine, reports)) else EXIT_DISAGREE)


def _chosen(
    contest: Contest, paths: Sequence[Path], pattern: str | None, wanted: Sequence[str]
) -> tuple[list[Submission], list[str]]:
    """What to judge, and a line for each program that cannot be. Raises UserError when nothing is left."""
    if paths and pattern is not None:
        raise UserError("give submissions by path or by --submissions GLOB, not both")
    skipped: list[str] = []
    if paths:
        chosen = [_named(contest, path) for path in paths]
    else:
        chosen, skipped = _of_package(contest, pattern or "*")
    if wanted:
        chosen = [submission for submission in chosen if submission.source.language in wanted]
    if not chosen:
        which = f" that match {pattern!r}" if pattern else ""
        raise UserError(
            f"{contest.name!r} has no submissions to judge{which}" + (f" ({skipped[0]})" if skipped else "")
        )
    return chosen, skipped


def _named(contest: Contest, path: Path) -> Submission:
    """A submission given by path; one of the package's own keeps its promise. Raises UserError."""
    if not path.exists():
        raise UserError(f"{path} does not exist")
    include = contest.package.path / "include" if contest.package else None
    source = read_source(path, include)
    if reason := runnable(source.language):
        raise UserError(f"{path} cannot be judged: {reason}")
    if contest.package:
        folder = contest.package.path.resolve() / "submissions"
        inside = path.resolve()
        if inside.parent.parent == folder:
            return Submission(f"{inside.parent.name}/{inside.name}", source, inside.parent.name)
    return Submission(str(path), source)


def _of_package(contest: Contest, pattern: str) -> tuple[list[Submission], list[str]]:
    if contest.package is None:
        raise UserError("give the submissions to judge: only a Kattis package has its own")
    chosen: list[Submission] = []
    skipped: list[str] = []
    for entry in _matching(contest.package.path, pattern):
        source = read_source(entry.path, contest.package.path / "include")
        if reason := runnable(source.language):
            skipped.append(f"{entry.name}: {reason}")
        else:
            chosen.append(Submission(entry.name, source, entry.expected))
    return chosen, skipped


def _matching(package: Path, pattern: str) -> Iterator[Entry]:
    for entry in entries(package):
        if fnmatch.fnmatchcase(entry.name, pattern):
            yield entry


async def _judged(
    contest: Contest,
    chosen: list[Submission],
    accepted: list[Submission],
    say: _Speaker,
    workers: int | None,
    *,
    allow_unsafe: bool,
    all_tests: bool,
) -> tuple[Panel, list[Report]]:
    async with Sandbox(workers, allow_unsafe=allow_unsafe) as sandbox:
        panel = Panel(contest, sandbox, all_tests=all_tests, progress=say.progress)
        return panel, await panel.judge(chosen, accepted, say.report)


def _fine(report: Report) -> bool:
    return report.agrees if report.agrees is not None else report.verdict is Verdict.AC


class _Speaker:
    """Results to stdout, as lines for people or JSON; progress to stderr."""

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self._json = as_json
        self._quiet = quiet

    def progress(self, line: str) -> None:
        if not self._quiet:
            click.echo(line, err=True)

    def skipped(self, lines: list[str]) -> None:
        for line in lines:
            self.progress(f"skipped {line}")

    def report(self, report: Report) -> None:
        click.echo(json.dumps(_record(report), ensure_ascii=False) if self._json else _line(report))

    def totals(self, contest: Contest, time_seconds: float | None, reports: list[Report], skipped: int) -> None:
        counts = Counter(str(report.verdict) for report in reports)
        promised = [report.agrees for report in reports if report.agrees is not None]
        if self._json:
            totals: dict[str, Any] = {
                "problem": contest.name,
                "submissions": len(reports),
                "agree": sum(promised),
                "disagree": len(promised) - sum(promised),
                "skipped": skipped,
                "verdicts": dict(sorted(counts.items())),
                "time_limit": time_seconds,
                "memory_limit": contest.limits.memory_bytes,
            }
            click.echo(json.dumps(totals, ensure_ascii=False))
            return
        verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
        line = f"{contest.name}: {len(reports)} judged ({verdicts}), time limit {time_seconds:g} s"
        if promised:
            line += f"; {sum(promised)} as promised, {len(promised) - sum(promised)} not"
        click.echo(line + (f"; {skipped} skipped" if skipped else ""))


def _record(report: Report) -> dict[str, Any]:
    record: dict[str, Any] = {
        "submission": report.submission.name,
        "language": report.submission.source.language,
        "expected": report.submission.expected,
        "verdict": str(report.verdict),
        "test": report.test,
        "cpu": round(report.cpu_seconds, 4),
        "wall": round(report.wall_seconds, 4),
        "memory": report.memory_bytes,
        "agrees": report.agrees,
    }
    if report.score is not None:
        record["score"] = report.score if math.isfinite(report.score) else None
    return record


def _line(report: Report) -> str:
    mark = {True: "as promised", False: "NOT as promised", None: ""}[report.agrees]
    verdict = str(report.verdict) if report.score is None else f"{report.verdict} {report.score:g}"
    if report.sensitive:
        verdict += f" ({report.with_margin} with the margin)"
    figures = f"{report.cpu_seconds:7.3f} s  {report.memory_bytes / 2**20:7.1f} MB  {report.passed}/{report.tests}"
    line = f"{report.submission.name:40}  {verdict:4}  {figures}  {report.test or '-':24}  {mark}".rstrip()
    return f"{line}\n    {report.detail}" if report.detail and report.agrees is not True else line
