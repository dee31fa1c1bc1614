"""From recorded runs to the tuned setting and what it is worth on problems that the search never saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.bench.problem_run import ProblemRun
from eval.intervals import Bootstrap
from eval.tune.budget import Budget, make_budget
from eval.tune.options import options_of, write_plans
from eval.tune.replay import DRAWS, Replay, Score
from eval.tune.search import search
from eval.tune.setting import Setting, space_of
from eval.tune.split import Split, load
from solver.errors import UserError

FORMAT = "codesieve-tune/1"
SHORT = 0.05
"""Share of draws that may run out of recorded samples before it is told."""
OFF_MIX = 0.25
"""Share of samples that may be drawn after one of the plans was used up before it is told."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asked for. k: submissions. One of tokens and seconds is the budget of a problem."""

    split: Split
    tokens: int | None = None
    seconds: float | None = None
    k: int = 10
    trials: int = 100
    draws: int = DRAWS
    seed: int = 0
    execution_cost: float | None = None
    tokens_per_second: float | None = None


def tune(wanted: Wanted, out: Path, on_trial: Callable[[int, float], None] = lambda done, best: None) -> dict[str, Any]:
    """Searches on validation, then, once, opens the test problems. Writes trials.sqlite and plans.toml into `out`, an
    existing directory. Returns plain data. Raises UserError, OSError."""
    split = wanted.split
    runs = _runs(split.validation_in, split.validation)
    budget = make_budget(
        runs,
        tokens=wanted.tokens,
        seconds=wanted.seconds,
        execution_cost=wanted.execution_cost,
        tokens_per_second=wanted.tokens_per_second,
    )
    space = space_of(runs)
    replay = Replay(runs, budget, wanted.k, draws=wanted.draws, seed=wanted.seed)
    about = {
        "runs": [str(root.resolve()) for root in split.validation_in],
        "validation": list(split.validation),
        "budget": budget.plain(),
        "k": wanted.k,
        "draws": wanted.draws,
        "seed": wanted.seed,
        "base": space.base.plain(),
    }
    found = search(
        replay,
        space,
        wanted.trials,
        seed=wanted.seed,
        storage=out / "trials.sqlite",
        about=about,
        on_trial=on_trial,
    )
    best, base, score = found.best, space.base, replay.score(found.best)
    config = runs[0].config
    plans_file = out / "plans.toml" if len(base.plans) > 1 else None
    if plans_file is not None:
        write_plans(plans_file, best, config)
    seen = _compared(replay, base, best, wanted.seed)
    del runs, replay
    unseen = Replay(_runs(split.test_in, split.test), budget, wanted.k, draws=wanted.draws, seed=wanted.seed)
    tested = _compared(unseen, base, best, wanted.seed)
    return {
        "format": FORMAT,
        "k": wanted.k,
        "trials": found.trials,
        "draws": wanted.draws,
        "seed": wanted.seed,
        "budget": budget.plain(),
        "tuned": best.plain(),
        "default": base.plain(),
        "options": options_of(best, score, budget, config, wanted.k, plans_file),
        "validation": seen,
        "test": tested,
        "warnings": _warnings(seen, tested, budget, best == base),
    }


def _runs(roots: tuple[Path, ...], names: tuple[str, ...]) -> list[ProblemRun]:
    """In the order of names, so that it does not matter in which order the directories were given."""
    runs = sorted(load(roots, names), key=lambda run: run.name)
    if not runs:
        raise UserError("none of the runs can be read")
    return runs


def _compared(replay: Replay, base: Setting, best: Setting, seed: int) -> dict[str, Any]:
    """Shares of problems solved with paired intervals over problems."""
    before, after = replay.score(base), replay.score(best)
    names = list(before.solved)
    table = np.array([[before.solved[n], after.solved[n], after.solved[n] - before.solved[n]] for n in names])
    default, tuned, gain = Bootstrap(len(names), seed).means(table)
    return {
        "problems": len(names),
        "default": default,
        "tuned": tuned,
        "gain": gain,
        "spent": {"default": _spent(before), "tuned": _spent(after)},
    }


def _spent(score: Score) -> dict[str, float]:
    return {
        "cost": score.cost,
        "most_cost": score.most_cost,
        "samples": score.samples,
        "tokens": score.tokens,
        "executions": score.executions,
        "ran_out": score.ran_out,
        "off_mix": score.off_mix,
    }


def _warnings(seen: dict[str, Any], tested: dict[str, Any], budget: Budget, unchanged: bool) -> list[str]:
    found = []
    gain = tested["gain"]
    if unchanged:
        found.append("no setting did better than the default on the validation problems")
    elif gain["low"] <= 0.0 <= gain["high"]:
        found.append(
            f"the interval of the gain on the {tested['problems']} test problems includes 0: this may be chance"
        )
    elif gain["high"] < 0.0:
        found.append("the tuned setting is worse than the default on the test problems: do not use it")
    for name in ("default", "tuned"):
        share = max(part["spent"][name]["ran_out"] for part in (seen, tested))
        if share > SHORT:
            found.append(
                f"{100 * share:.0f} % of the {name} setting's draws ran out of recorded samples within the budget; "
                "it would do better than told: record more samples or lower the budget"
            )
    off = max(part["spent"]["tuned"]["off_mix"] for part in (seen, tested))
    if off > OFF_MIX:
        found.append(
            f"{100 * off:.0f} % of the tuned setting's samples were drawn after one of its plans was used up: the mix "
            "is judged by less than it says; record more samples or lower the budget"
        )
    if budget.per_execution == 0.0:
        found.append("executions cost nothing here: give --tokens-per-second or --execution-cost")
    return found
