"""`python -m eval.check_submissions RUN_DIR --problem PATH`: do a run's submissions pass examples and hidden tests?

A process of its own, after the run: the engine never sees what is read here.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from eval.judge import Judgement, judge
from eval.task import Task, load_task
from sandbox import PYTHON2, Sandbox, SandboxUnavailable, ToolchainMissing, Verdict, language_of, languages
from solver.errors import UserError
from solver.problem import Problem

_SUBMISSION = re.compile(r"\d+\.\w+")


@click.command()
@click.argument("run_dir", type=click.Path(path_type=Path))
@click.option("--problem", "path", required=True, type=click.Path(path_type=Path), help="What the run solved.")
@click.option("--id", "record_id", help="Which record of a file of many.")
@click.option("--time-factor", default=1.0, show_default=True, help="Multiplies the problem's time limit.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--unsafe-no-isolation", is_flag=True, help="Run even where programs cannot be confined.")
def main(
    run_dir: Path,
    path: Path,
    record_id: str | None,
    time_factor: float,
    as_json: bool,
    unsafe_no_isolation: bool,
) -> None:
    """Say for each submission of RUN_DIR whether it passes the examples and the hidden tests.

    Exit code 0: one passes. 1: none does, or there are none. 2: bad input or set-up. 3: an internal error of the
    sandbox or the checker left it open.
    """
    try:
        if not 0 < time_factor < 1000:
            raise UserError("--time-factor must be above 0 and below 1000")
        task = load_task(path, record_id)
        submissions = _submissions(run_dir, task.problem)
        judgements = asyncio.run(_judge_all(task, submissions, time_factor, unsafe_no_isolation))
    except UserError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    if as_json:
        click.echo(json.dumps(_as_record(task, judgements), ensure_ascii=False))
    else:
        _print(task, judgements)
    sys.exit(_exit_code(judgements))


def _submissions(run_dir: Path, problem: Problem) -> list[Path]:
    """Submissions, best first. Raises UserError when this is no finished run of this problem."""
    folder = run_dir / "submissions"
    try:
        paths = sorted(path for path in folder.iterdir() if _SUBMISSION.fullmatch(path.name))
    except OSError as error:
        raise UserError(
            f"{folder}: {error.strerror}; give the directory of a finished run (`solve resume` finishes one)"
        ) from None
    solved = _solved_problem(run_dir / "problem.json")
    if solved is not None and solved != problem.name:
        raise UserError(f"{run_dir} solved {solved!r}, not {problem.name!r}; check --problem and --id")
    return paths


def _solved_problem(path: Path) -> str | None:
    try:
        name = json.loads(path.read_text(encoding="utf-8")).get("name")
    except (OSError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None


async def _judge_all(
    task: Task, submissions: list[Path], time_factor: float, allow_unsafe: bool
) -> dict[str, Judgement]:
    if not task.tests or not submissions:
        return {}
    programs = []
    for path in submissions:
        try:
            source = path.read_bytes().decode("utf-8", "surrogateescape")
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror})") from None
        language = language_of(path, source)
        if language is None:
            known = sorted({suffix for language in languages().values() for suffix in language.suffixes})
            raise UserError(f"{path}: unknown language; expected one of {', '.join(known)}")
        programs.append(task.problem.program("python" if language == PYTHON2 else language, source))
    try:
        async with Sandbox(allow_unsafe=allow_unsafe) as sandbox:
            judged = await asyncio.gather(
                *(judge(task, program, sandbox, time_factor=time_factor) for program in programs)
            )
    except (SandboxUnavailable, ToolchainMissing) as error:
        raise UserError(str(error)) from None
    return {path.name: judgement for path, judgement in zip(submissions, judged, strict=True)}


def _exit_code(judgements: dict[str, Judgement]) -> int:
    verdicts = {judgement.verdict for judgement in judgements.values()}
    if Verdict.AC in verdicts:
        return 0
    return 3 if Verdict.IE in verdicts else 1


def _as_record(task: Task, judgements: dict[str, Judgement]) -> dict[str, Any]:
    return {
        "problem": task.problem.name,
        "hidden_tests": len(task.tests),
        "solved": _exit_code(judgements) == 0,
        "submissions": [
            {
                "file": name,
                "verdict": str(judgement.verdict),
                "tests_passed": judgement.tests_passed,
                "failing_test": judgement.failing_test,
                "cpu_seconds": round(judgement.cpu_seconds, 4),
                "detail": judgement.detail,
            }
            for name, judgement in judgements.items()
        ],
    }


def _print(task: Task, judgements: dict[str, Judgement]) -> None:
    console = Console()
    title = f"{task.problem.name}: {len(task.problem.examples)} examples and {len(task.tests)} hidden tests"
    if not task.tests:
        console.print(f"{title}; nothing can be shown", markup=False)
        return
    if not judgements:
        console.print(f"{title}; no submissions", markup=False)
        return
    table = Table("submission", "verdict", "passed", "failing test", "max CPU s", title_justify="left")
    for name, judgement in judgements.items():
        table.add_row(
            name,
            str(judgement.verdict),
            f"{judgement.tests_passed}/{judgement.tests}",
            "" if judgement.failing_test is None else str(judgement.failing_test + 1),
            f"{judgement.cpu_seconds:.3f}",
        )
    console.print(title, markup=False)
    console.print(table)
    console.print("solved" if _exit_code(judgements) == 0 else "not solved", markup=False)


if __name__ == "__main__":
    main()
