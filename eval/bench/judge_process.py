"""The judge of a benchmark run, in a process of its own: `python -m eval.bench.judge_process DIR plan|judge|extra N`.

Only this process ever holds hidden tests. `plan` walks the data set once and writes which problems are run
(plan.jsonl) and which are not, and why (skipped.jsonl). `judge` walks it again and judges each problem when its
submissions are fixed: the driver then writes a line {"name": …} to our standard input, and we answer with a line
{"name": …, "rank": …, "fresh": …}: the rank of the first right submission or null, and whether it was judged just now.
Judged problems are not judged again. `extra` judges accepted submissions once more, on tests that reference solutions
made of N inputs, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

from eval.bench.config import BenchConfig, read_config
from eval.bench.extra import rejudge_accepted
from eval.bench.layout import BenchDirectory
from eval.bench.verdicts import JudgedProblem, Verdicts
from eval.datasets import Skipped, doubtful, placed_tasks, tasks
from eval.input_only import ReferenceFailed, ready
from eval.judge import Judgement, judge
from eval.task import Task
from sandbox import Sandbox, Verdict
from solver.errors import UserError
from solver.rundir import RunDirectory
from solver.store import Store, StoredProgram


def plan(root: Path, config: BenchConfig) -> None:
    """Writes plan.jsonl and skipped.jsonl, whole or not at all. Raises UserError."""
    bench = BenchDirectory(root)
    planned: list[JudgedProblem] = []
    judged: dict[str, bool] = {}
    skipped: list[dict[str, Any]] = []
    for place, found in placed_tasks(config.data):
        if isinstance(found, Skipped):
            skipped.append({"problem": found.problem, "reason": found.reason})
            continue
        if not found.problem.examples:
            skipped.append({"problem": found.problem.name, "reason": "no examples, so nothing can be filtered"})
            continue
        about, name = found.about, found.problem.name
        # Shards number as the data set does, so that they can be put together in its order.
        number = len(planned) + 1 if config.data.shard is None else place + 1
        judged[name] = found.is_judgeable
        planned.append(
            JudgedProblem(
                name=name,
                number=number,
                directory=str(bench.run_directory(number, name).relative_to(root)),
                source=about.source or found.problem.source,
                difficulty=about.difficulty or found.problem.difficulty,
                rating=about.rating,
                tags=about.tags or tuple(found.problem.tags),
                date=about.date,
                hidden_tests=found.hidden_tests,
                doubtful=doubtful(found),
            )
        )
    with Verdicts(bench.verdicts) as verdicts:
        for problem in planned:
            if judged[problem.name]:
                verdicts.add_problem(problem)
    _write_lines(bench.skipped, skipped)
    _write_lines(bench.plan, [_plan_row(p, judged[p.name]) for p in planned])


def _plan_row(problem: JudgedProblem, judged: bool) -> dict[str, Any]:
    return {"name": problem.name, "number": problem.number, "directory": problem.directory, "judged": judged}


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    temporary.replace(path)


async def judge_all(root: Path, config: BenchConfig) -> None:
    """Until standard input ends and all that it named is judged. Raises UserError, OSError."""
    bench = BenchDirectory(root)
    incoming = _Incoming()
    async with Sandbox(config.run.workers, allow_unsafe=config.run.unsafe_no_isolation) as sandbox:
        with Verdicts(bench.verdicts) as verdicts:
            about = {problem.name: problem for problem in verdicts.problems()}
            for task in _planned(config, about):
                name = task.problem.name
                if not await incoming.named(name):
                    continue
                directory = root / about[name].directory
                fresh = not verdicts.is_finished(name)
                if fresh:
                    await _judge_problem(task, directory, config, sandbox, verdicts)
                rank = _first_right(directory, verdicts.of(name))
                print(json.dumps({"name": name, "rank": rank, "fresh": fresh}), flush=True)


def _planned(config: BenchConfig, about: dict[str, JudgedProblem]) -> Iterator[Task]:
    for found in tasks(config.data):
        if not isinstance(found, Skipped) and found.problem.name in about:
            yield found


class _Incoming:
    """Names from standard input, in any order; problems are judged in the data set's."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._ended = False

    async def named(self, name: str) -> bool:
        """Waits until this name has come; False when input ended without it."""
        while name not in self._names and not self._ended:
            line = await asyncio.to_thread(sys.stdin.readline)
            if not line:
                self._ended = True
            elif line.strip():
                self._names.add(str(json.loads(line)["name"]))
        return name in self._names


async def _judge_problem(
    task: Task, directory: Path, config: BenchConfig, sandbox: Sandbox, verdicts: Verdicts
) -> None:
    """Every program that passes the examples, and every submission. What fails an example is wrong unjudged."""
    name = task.problem.name
    done = {key for key, judgement in verdicts.of(name).items() if judgement.verdict is not Verdict.IE}
    gate = asyncio.Semaphore(2 * sandbox.workers)
    try:
        task, broken = await ready(task, sandbox), ""
    except ReferenceFailed as error:
        broken = str(error)

    async def one(program: StoredProgram) -> None:
        async with gate:
            if broken:
                found = Judgement(Verdict.IE, 0, 1, None, 0.0, broken)
            else:
                runnable = task.problem.program(program.language, program.source)
                found = await judge(task, runnable, sandbox, time_factor=config.run.time_factor)
            verdicts.add(name, program.key, found)

    await asyncio.gather(*(one(program) for program in _to_judge(directory) if program.key not in done))
    verdicts.finish(name)


def _to_judge(directory: Path) -> list[StoredProgram]:
    run, _, _ = RunDirectory.open(directory)
    submitted = [str(submission["program"]) for submission in run.read_report()["submissions"]]
    with Store(run.store_path) as store:
        passing = store.query(
            "SELECT e.program FROM executions e JOIN inputs i ON i.id = e.input AND i.kind = 'example' "
            "GROUP BY e.program HAVING min(e.verdict = 'AC') AND count(*) = "
            "(SELECT count(*) FROM inputs WHERE kind = 'example') ORDER BY e.program"
        )
        return [store.program(key) for key in dict.fromkeys([*submitted, *(key for (key,) in passing)])]


def _first_right(directory: Path, judged: dict[str, Judgement]) -> int | None:
    run, _, _ = RunDirectory.open(directory)
    for submission in run.read_report()["submissions"]:
        judgement = judged.get(submission["program"])
        if judgement is not None and judgement.verdict is Verdict.AC:
            return int(submission["rank"])
    return None


async def _while_wanted(work: Coroutine[Any, Any, None]) -> None:
    """Until the work is done or whoever started us has gone."""
    task = asyncio.ensure_future(work)
    loop, theirs = asyncio.get_running_loop(), sys.stdin.fileno()

    def stop() -> None:
        loop.remove_reader(theirs)
        task.cancel()

    loop.add_reader(theirs, stop)
    try:
        await task
    except asyncio.CancelledError:
        raise UserError("whoever wanted it has gone") from None
    finally:
        loop.remove_reader(theirs)


def main() -> int:
    root, work = Path(sys.argv[1]), sys.argv[2]
    try:
        config = read_config(root)
        if work == "plan":
            plan(root, config)
        elif work == "extra":
            asyncio.run(_while_wanted(rejudge_accepted(root, config, int(sys.argv[3]), sys.stdout)))
        else:
            asyncio.run(judge_all(root, config))
    except UserError as error:
        print(str(error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
