"""What each model of a cascade would have solved alone, and for how many tokens, from the samples that are recorded.

A model alone: its samples of a problem, in their order, and the run's own choice from them. A problem that a cascade
did not hand on has no samples of the later models, so what they would have done there is not known: each model is told
of the problems that it has samples of, beside all models on the same problems.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clustering.policies import Scorer
from eval.bench.problem_run import ProblemRun
from eval.metrics.draws import chooser, first_right, submitted_rank

WHOLE = "together"


@dataclass(frozen=True, slots=True)
class Spent:
    """Of one problem. rank: of the first right submission, `draws.NEVER` without one."""

    tokens: int
    rank: int


def spent_by_model(run: ProblemRun, scorer: Scorer, ks: Sequence[int]) -> dict[str, Spent]:
    """By model, in order of first samples, each as if it had been alone; and WHOLE: the run as it was."""
    whole = Spent(int(run.sample_tokens.sum()), submitted_rank(run))
    names = list(dict.fromkeys(run.sample_model))
    if len(names) < 2:
        return dict.fromkeys([*names, WHOLE], whole)
    models, choose = np.array(run.sample_model), chooser(run, scorer)
    submitted = sorted({min(k, run.config.submissions) for k in ks})  # alone it may submit no more than the run
    found = {}
    for name in names:
        own = np.flatnonzero(models == name)
        found[name] = Spent(int(run.sample_tokens[own].sum()), first_right(run, choose, own, submitted))
    return found | {WHOLE: whole}


def solved_per_million(problems: Iterable[Mapping[str, Spent]], ks: Sequence[int]) -> list[dict[str, Any]] | None:
    """One row a model and a last one for WHOLE; None where there is one model only.

    problems: those that the model has samples of. per_million: problems solved with k submissions for a million
    completion tokens; whole_per_million: the same of all models together, on these problems. None where no token counts
    are recorded.
    """
    everything = list(problems)
    names = dict.fromkeys(name for spent in everything for name in spent if name != WHOLE)
    if len(names) < 2:
        return None
    rows = []
    for name in (*names, WHOLE):
        here = [spent for spent in everything if name in spent]
        own, whole = [spent[name] for spent in here], [spent[WHOLE] for spent in here]
        by_k = [
            {
                "k": k,
                "solved": sum(one.rank <= k for one in own),
                "per_million": _per_million(own, k),
                "whole_per_million": _per_million(whole, k),
            }
            for k in ks
        ]
        rows.append({"model": name, "problems": len(here), "tokens": sum(one.tokens for one in own), "by_k": by_k})
    return rows


def _per_million(spent: Sequence[Spent], k: int) -> float | None:
    tokens = sum(one.tokens for one in spent)
    return sum(one.rank <= k for one in spent) / tokens * 1e6 if tokens else None
