"""Does P(correct) mean what it says? Expected calibration error, and the points of a reliability plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering.policies import Scorer, survivors
from clustering.policies.signals import weights
from eval.pools.store import Labelled
from eval.selection import evidence_of

BINS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bin:
    """Candidates whose P(correct) lies in one tenth. weight: their share of all."""

    predicted: float
    right: float
    weight: float


@dataclass(slots=True)
class Reliability:
    """Predictions and what came of them, kept as sums by tenth of P(correct).

    weight, predicted, right: shape (BINS,), sums of weights and of weighted predictions and outcomes. squares: weighted
    sum of squared differences.
    """

    weight: Floats = field(default_factory=lambda: np.zeros(BINS))
    predicted: Floats = field(default_factory=lambda: np.zeros(BINS))
    right: Floats = field(default_factory=lambda: np.zeros(BINS))
    squares: float = 0.0

    def add(self, chance: ArrayLike, right: ArrayLike, weight: ArrayLike) -> None:
        """chance: P(correct). right: bool. weight: ≥ 0. All of one shape (n,)."""
        p, y, w = (np.asarray(values, dtype=float) for values in (chance, right, weight))
        places = np.clip((p * BINS).astype(int), 0, BINS - 1)
        for kept, values in ((self.weight, w), (self.predicted, w * p), (self.right, w * y)):
            kept += np.bincount(places, weights=values, minlength=BINS)
        self.squares += float((w * (p - y) ** 2).sum())

    def merge(self, other: Reliability) -> None:
        """Adds the other's predictions."""
        for mine, theirs in ((self.weight, other.weight), (self.predicted, other.predicted), (self.right, other.right)):
            mine += theirs
        self.squares += other.squares

    def bins(self) -> list[Bin]:
        """Tenths with any weight, lowest first."""
        total = self.weight.sum()
        return [
            Bin(float(p / w), float(y / w), float(w / total))
            for w, p, y in zip(self.weight, self.predicted, self.right, strict=True)
            if w > 0
        ]

    def brier(self) -> float | None:
        """Mean squared difference (Brier, 1950); None without predictions."""
        total = float(self.weight.sum())
        return self.squares / total if total else None


def reliability(problems: Sequence[Labelled], scorer: Scorer, use_examples: bool) -> list[Bin]:
    """Over all surviving samples, each problem weighing the same; empty tenths are left out."""
    found = Reliability()
    for problem in problems:
        evidence = evidence_of(problem, use_examples)
        who = survivors(evidence)
        if len(who):
            share = weights(evidence, who)
            found.add(scorer.probability(evidence, who), problem.right[who], share / share.sum())
    return found.bins()


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
