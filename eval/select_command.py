"""`solve select`: every way to choose, on the same recorded samples or on what runs have executed already."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from clustering.policies import POLICIES, BadScorer, Scorer, load_scorer
from clustering.policies.scorer import name_digest
from eval.ablation import ablate as ablate_default
from eval.calibration import expected_calibration_error, plot, reliability
from eval.pools import Labelled, read_pool
from eval.pools.gather import Skipped, default_cache, gather
from eval.select_runs import are_benchmarks, choices, labelled_runs
from eval.selection import ORACLE, compare, pass_at_1
from solver.errors import UserError

_PATH = click.Path(path_type=Path)


def _ks(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        ks = tuple(sorted({int(word) for word in value.split(",")}))
    except ValueError:
        ks = ()
    if not ks or ks[0] < 1:
        raise click.BadParameter(f"{value!r} is no list of positive numbers, such as 1,2,3,10")
    return ks


def _policies(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    known = (*POLICIES, ORACLE)
    names = known if value == "all" else tuple(dict.fromkeys(value.split(",")))
    for name in names:
        if name not in known:
            raise click.BadParameter(f"there is no policy {name!r}; there are: all, {', '.join(known)}")
    return names


@click.command()
@click.argument("runs", nargs=-1, type=_PATH, metavar="[RUN…]")
@click.option("--samples", "pools", multiple=True, type=_PATH, help="Recorded samples; may be repeated.")
@click.option("--problems", "files", multiple=True, type=_PATH, help="Where the problems are; may be repeated.")
@click.option("--policy", "policies", default="all", callback=_policies, metavar="A,B|all", show_default=True)
@click.option("--k", "ks", default="1,2,3,10", callback=_ks, metavar="K,K", show_default=True, help="Submissions.")
@click.option("--no-examples", is_flag=True, help="Choose as if nothing were known of the examples.")
@click.option("--scorer", "scorer_file", type=_PATH, help="Your own scorer.  [default: the one that comes along]")
@click.option("--plot", "plot_file", type=_PATH, metavar="FILE", help="Save a reliability plot (PNG, SVG, PDF).")
@click.option("--ablate", is_flag=True, help="Also: what each signal and each source of inputs buys the default.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N problems.")
@click.option("--seed", default=0, help="Seeds generated inputs, draws and resampling.")
@click.option("--cache", type=_PATH, metavar="DIR", help="Where results of executions are kept.")
@click.option("--workers", type=click.IntRange(min=1), help="Sandbox workers.  [default: one per core]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--quiet", "-q", is_flag=True, help="No progress.")
def select(
    runs: tuple[Path, ...],
    pools: tuple[Path, ...],
    files: tuple[Path, ...],
    policies: tuple[str, ...],
    ks: tuple[int, ...],
    no_examples: bool,
    scorer_file: Path | None,
    plot_file: Path | None,
    ablate: bool,
    limit: int | None,
    seed: int,
    cache: Path | None,
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare policies of choosing on recorded pools of samples, or on runs; these execute nothing more.

    RUN is a directory of `solve bench`, or of `solve run`, of which it is told what each policy would submit. Programs
    of --samples are run once, on examples, generated inputs and hidden tests, and the results are kept. The choice sees
    nothing of hidden tests. Shares are of all problems; intervals are 95 % bootstrap intervals over problems, and
    `default_minus_this` is paired.
    """
    try:
        scorer = load_scorer(scorer_file)
    except BadScorer as error:
        raise UserError(str(error)) from None
    if bool(runs) == bool(pools):
        raise UserError("give directories of runs, or recorded samples with --samples FILE --problems FILE")
    if runs and no_examples:
        raise UserError("--no-examples: a run executes on other inputs only what passes the examples")
    if runs and not are_benchmarks(runs):
        _choose_again(runs, policies, max(ks), seed, scorer, as_json=as_json)
        return
    progress = Console(stderr=True, quiet=quiet)
    began = time.monotonic()
    problems: list[Labelled]
    skipped: list[Skipped]
    if runs:
        problems, skipped = labelled_runs(runs, limit), []
    else:
        problems, skipped = asyncio.run(_gather(pools, files, cache or default_cache(), limit, seed, workers, progress))
    if not problems:
        raise UserError(
            "no problem of the pool can be judged: " + "; ".join(f"{s.problem}: {s.reason}" for s in skipped[:3])
        )
    gathered = time.monotonic() - began
    if "default" not in policies and len(policies) > 1:
        policies = ("default", *policies)
    result = compare(problems, policies, ks, use_examples=not no_examples, scorer=scorer, seed=seed)
    bins = reliability(problems, scorer, not no_examples)
    result |= {
        "samples": sum(problem.samples for problem in problems),
        "pass_at_1": pass_at_1(problems, seed),
        "programs": sum(len(problem.right) for problem in problems),
        "executions": sum(problem.runs for problem in problems),
        "execution_seconds": round(sum(problem.seconds for problem in problems), 1),
        "seconds": {"gathering": round(gathered, 1), "choosing": round(time.monotonic() - began - gathered, 1)},
        "skipped": [{"problem": one.problem, "reason": one.reason} for one in skipped],
        "recorded_verdicts": _agreement(problems),
        "calibration_error": round(expected_calibration_error(bins), 4),
        "reliability": [[round(value, 4) for value in (b.predicted, b.right, b.weight)] for b in bins],
        "scorer": _about(scorer, problems),
    }
    if ablate:
        result["ablations"] = _ablations(problems, ks, use_examples=not no_examples, seed=seed)
    if plot_file is not None:
        _save_plot(bins, plot_file)
    print(json.dumps(result)) if as_json else _show(result, ks)


def _choose_again(
    runs: Sequence[Path], policies: Sequence[str], k: int, seed: int, scorer: Scorer, *, as_json: bool
) -> None:
    wanted = [policy for policy in policies if policy != ORACLE]
    if not wanted:
        raise UserError("--policy oracle needs hidden verdicts, which single runs do not have")
    found = [choices(run, wanted, k, seed=seed, scorer=scorer) for run in runs]
    if as_json:
        print(json.dumps({"k": k, "runs": found}))
        return
    for one in found:
        table = Table(title=f"{one['problem']}: {one['passing']} programs pass the examples", title_justify="left")
        for heading in ("policy", "submissions, best first: program P(correct)"):
            table.add_column(heading)
        for policy, chosen in one["policies"].items():
            table.add_row(policy, ", ".join(f"{c['program'][:8]} {c['confidence']:.2f}" for c in chosen) or "none")
        Console().print(table)


async def _gather(
    pools: Sequence[Path],
    files: Sequence[Path],
    cache: Path,
    limit: int | None,
    seed: int,
    workers: int | None,
    progress: Console,
) -> tuple[list[Labelled], list[Skipped]]:
    problems: list[Labelled] = []
    skipped: list[Skipped] = []
    for pool in pools:
        with progress.status(f"reading {pool.name}") as status:
            told = lambda name, kept: status.update(f"{pool.name}: {name}{' (kept)' if kept else ''}")  # noqa: E731, B023
            async for one in gather(read_pool(pool, files), cache, workers=workers, seed=seed, on_problem=told):
                (skipped if isinstance(one, Skipped) else problems).append(one)  # type: ignore[arg-type]
                if limit is not None and len(problems) >= limit:
                    break
    return problems, skipped


def _agreement(problems: Sequence[Labelled]) -> dict[str, int] | None:
    """How many samples we judge as the pool itself says; None for pools that do not say."""
    same = total = 0
    for problem in problems:
        for (good, bad), right in zip(problem.recorded, problem.right, strict=True):
            total += good + bad
            same += good if right else bad
    return {"same": same, "samples": total} if total else None


def _ablations(
    problems: Sequence[Labelled], ks: Sequence[int], *, use_examples: bool, seed: int
) -> list[dict[str, Any]]:
    try:
        return ablate_default(problems, ks, use_examples=use_examples, seed=seed)
    except ValueError as error:
        raise UserError(f"--ablate learns from these pools, and cannot: {error}") from None


def _about(scorer: Scorer, problems: Sequence[Labelled]) -> dict[str, Any]:
    seen = sum(name_digest(problem.name) in scorer.fold_of for problem in problems)
    return {"recipe": scorer.recipe, "problems_scored_by_a_fold_that_never_saw_them": seen}


def _save_plot(bins: Any, path: Path) -> None:
    try:
        plot(bins, path, "P(correct), held out")
    except ImportError:
        raise UserError("--plot needs matplotlib: pip install 'codesieve[plots]'") from None
    except (OSError, ValueError) as error:
        raise UserError(f"--plot {path}: {error}") from None


def _show(result: dict[str, Any], ks: Sequence[int]) -> None:
    console = Console()
    setting = "examples first" if result["examples"] else "without examples"
    table = Table(
        title=f"{result['problems']} problems, {result['samples']} samples, {setting} · solved, % of problems"
    )
    table.add_column("policy")
    for number in ks:
        table.add_column(f"k = {number}", justify="right")
        table.add_column("default - this", justify="right", style="dim")
    table.add_column("runs", justify="right")
    table.add_column("choosing", justify="right")
    for row in result["policies"]:
        cells = []
        for k in map(str, ks):
            cells.append(_percent(row["solved"][k]))
            cells.append(_percent(row["default_minus_this"][k], sign="+") if row["default_minus_this"] else "")
        table.add_row(row["policy"], *cells, str(row["cost"]["runs"]), f"{row['cost']['seconds']:.2f} s")
    console.print(table)
    if "ablations" in result:
        console.print(_ablation_table(result["ablations"], ks))
    console.print(
        f"pass@1 {_percent(result['pass_at_1'])}; "
        f"coverage {100 * result['coverage']:.1f} %, lost by the filter {100 * result['filter_loss']:.1f} %; "
        f"calibration error {result['calibration_error']:.3f}; "
        f"{result['executions']} executions in {result['execution_seconds']:.0f} s"
    )
    for one in result["skipped"]:
        print(f"skipped {one['problem']}: {one['reason']}", file=sys.stderr)


def _ablation_table(rows: Sequence[dict[str, Any]], ks: Sequence[int]) -> Table:
    table = Table(title="default, learnt and measured again (held out) · solved, % of problems")
    table.add_column("with")
    for number in ks:
        table.add_column(f"k = {number}", justify="right")
        table.add_column("all - this", justify="right", style="dim")
    for row in rows:
        cells = [
            cell
            for k in map(str, ks)
            for cell in (f"{100 * row['solved'][k]:.1f}", _percent(row["all_minus_this"][k], "+"))
        ]
        table.add_row(f"{row['kind']} {row['name']}".strip(), *cells)
    return table


def _percent(interval: dict[str, float], sign: str = "") -> str:
    value, low, high = (f"{100 * interval[name]:{sign}.1f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
