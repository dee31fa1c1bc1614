"""Bootstrap intervals over problems: how far a figure would move had other problems been drawn.

Percentile intervals at 95 % (Efron and Tibshirani, 1993, chapter 13). All figures of one `Bootstrap` rest on the same
resamples, so differences between them are paired. Not covered: spread between repeated runs of one problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
LEVEL = 0.95
_CELLS_AT_ONCE = 4_000_000

Interval = dict[str, float]
"""value, low, high."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Resamples of `count` problems, always the same for the same seed."""

    count: int
    seed: int = 0
    resamples: int = RESAMPLES

    def of(self, count: int) -> Bootstrap:
        """The same for another number of problems."""
        return Bootstrap(count, self.seed, self.resamples)

    def sums(self, values: ArrayLike) -> Floats:
        """values: shape (count, columns). The columns' sums over each resample, shape (resamples, columns).

        A resample is drawn as indices and applied as counts, some rows at a time: memory does not grow with `count`
        times `resamples`.
        """
        table = _columns(values)
        rng = np.random.default_rng(self.seed)
        rows = max(1, _CELLS_AT_ONCE // max(self.count, 1))
        parts = []
        for start in range(0, self.resamples, rows):
            here = min(rows, self.resamples - start)
            drawn = rng.integers(0, max(self.count, 1), size=(here, self.count))
            drawn += np.arange(here)[:, None] * self.count
            times = np.bincount(drawn.ravel(), minlength=here * self.count).reshape(here, self.count)
            parts.append(times @ table)
        return np.concatenate(parts)

    def means(self, values: ArrayLike) -> list[Interval]:
        """The mean of each column of `values`, shape (count, columns); no interval for no problems."""
        table = _columns(values)
        if not self.count:
            return [_nothing() for _ in range(table.shape[1])]
        low, high = bounds(self.sums(table) / self.count)
        return [interval(*row) for row in zip(table.mean(axis=0), low, high, strict=True)]

    def mean(self, values: ArrayLike) -> Interval:
        """The mean of one number a problem."""
        return self.means(values)[0]

    def shares(self, values: ArrayLike) -> list[Interval]:
        """`means` of numbers between 0 and 1. Where all problems say 0 (or all 1) resampling shows no spread, though
        another problem might differ: there the interval is Clopper and Pearson's (1934) for none (or all) of `count`.
        """
        found = self.means(values)
        if not self.count:
            return found
        margin = 1.0 - ((1.0 - LEVEL) / 2) ** (1.0 / self.count)
        for column, one in zip(_columns(values).T, found, strict=True):
            if (column == 0).all():
                one["high"] = margin
            elif (column == 1).all():
                one["low"] = 1.0 - margin
        return found

    def share(self, values: ArrayLike) -> Interval:
        """`shares` of one number a problem."""
        return self.shares(values)[0]

    def ratio(self, top: ArrayLike, bottom: ArrayLike) -> Interval | None:
        """Sum of `top` over sum of `bottom`, one number a problem each; None where `bottom` sums to 0.

        Resamples without any `bottom` are left out of the interval.
        """
        pairs = np.column_stack([np.asarray(top, dtype=float), np.asarray(bottom, dtype=float)])
        above, below = pairs.sum(axis=0)
        if not below:
            return None
        sums = self.sums(pairs)
        sums = sums[sums[:, 1] != 0]
        low, high = bounds((sums[:, 0] / sums[:, 1])[:, None])
        return interval(above / below, low[0], high[0])


def bounds(resampled: Floats) -> tuple[Floats, Floats]:
    """The 2.5 % and 97.5 % quantiles of each column."""
    low, high = np.quantile(resampled, ((1 - LEVEL) / 2, (1 + LEVEL) / 2), axis=0)
    return low, high


def interval(value: float, low: float, high: float) -> Interval:
    """As plain data."""
    return {"value": float(value), "low": float(low), "high": float(high)}


def _nothing() -> Interval:
    return interval(0.0, 0.0, 0.0)


def _columns(values: ArrayLike) -> Floats:
    """Numbers of one dimension are one column."""
    table = np.asarray(values, dtype=float)
    return table[:, None] if table.ndim == 1 else table


def as_table(rows: Sequence[Sequence[float]], columns: int) -> Floats:
    """Shape (len(rows), columns), also without rows."""
    return np.array(rows, dtype=float).reshape(len(rows), columns)
