"""Does P(correct) mean what it says? Expected calibration error, and the points of a reliability plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clustering.policies import Scorer, survivors
from clustering.policies.signals import weights
from eval.pools.store import Labelled
from eval.selection import evidence_of

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Candidates whose P(correct) lies in one tenth. weight: their share of all."""

    predicted: float
    right: float
    weight: float


def reliability(problems: Sequence[Labelled], scorer: Scorer, use_examples: bool) -> list[Bin]:
    """Over all surviving samples, each problem weighing the same; empty tenths are left out."""
    chance, right, weight = [], [], []
    for problem in problems:
        evidence = evidence_of(problem, use_examples)
        who = survivors(evidence)
        if len(who):
            share = weights(evidence, who)
            chance.append(scorer.probability(evidence, who))
            right.append(problem.right[who].astype(float))
            weight.append(share / share.sum())
    if not chance:
        return []
    p, y, w = np.concatenate(chance), np.concatenate(right), np.concatenate(weight)
    places = np.minimum((p * BINS).astype(int), BINS - 1)
    return [
        Bin(float(np.average(p[here], weights=w[here])), float(np.average(y[here], weights=w[here])), float(mass))
        for place in range(BINS)
        if (mass := w[here := places == place].sum() / w.sum()) > 0
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """The mean distance between what was predicted and what came (Guo et al., arXiv 1706.04599, section 2)."""
    return sum(one.weight * abs(one.predicted - one.right) for one in bins)


def plot(bins: Sequence[Bin], path: Path, title: str) -> None:
    """Saves a reliability plot (PNG, SVG or PDF by suffix). Raises ImportError without matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], linestyle="--", color="grey", label="perfectly calibrated")
    predicted, right = [one.predicted for one in bins], [one.right for one in bins]
    axes.plot(predicted, right, color="tab:blue", alpha=0.5)
    axes.scatter(predicted, right, s=[30 + 600 * one.weight for one in bins], color="tab:blue", label="survivors")
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="P(correct)", ylabel="share that is right", title=title)
    axes.legend(loc="upper left")
    figure.savefig(path)
