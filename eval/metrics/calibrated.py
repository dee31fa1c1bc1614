"""Calibration of P(correct) with intervals over problems, from sums that each problem left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.calibration import BINS, Reliability, expected_calibration_error
from eval.intervals import Bootstrap, Floats, Interval, bounds, interval


def calibration(problems: Sequence[Reliability], bootstrap: Bootstrap) -> dict[str, Any] | None:
    """Expected calibration error, Brier score and the reliability by tenth; None where nothing was predicted.

    A tenth's interval is over resamples in which it has any weight. The error is never below 0, so resampling makes it
    larger; the interval is moved back by how much it does on average (Efron and Tibshirani, 1993, chapter 10).
    """
    total = Reliability()
    for one in problems:
        total.merge(one)
    if not total.weight.sum():
        return None
    table = np.stack([np.concatenate([one.weight, one.predicted, one.right]) for one in problems])
    sums = bootstrap.sums(table).reshape(-1, 3, BINS)
    sums = sums[sums[:, 0].sum(axis=1) > 0]
    error = expected_calibration_error(total.bins())
    return {
        "error": _shifted(error, _errors(sums)),
        "brier": total.brier(),
        "weight": float(total.weight.sum()),
        "bins": [_bin(total, sums, place) for place in range(BINS) if total.weight[place] > 0],
    }


def _shifted(value: float, resampled: Floats) -> Interval:
    """The percentile interval less the mean excess of the resamples over the value; holds the value, ends at 0."""
    (low,), (high,) = bounds(resampled[:, None])
    excess = float(resampled.mean()) - value
    return interval(value, max(0.0, min(low - excess, value)), max(high - excess, value))


def _errors(sums: Floats) -> Floats:
    """sums: shape (resamples, 3, BINS). A tenth's |predicted - right| · weight is the distance of its sums."""
    return np.asarray(np.abs(sums[:, 1] - sums[:, 2]).sum(axis=1) / sums[:, 0].sum(axis=1))


def _bin(total: Reliability, sums: Floats, place: int) -> dict[str, Any]:
    here = sums[sums[:, 0, place] > 0][:, :, place]
    low, high = bounds((here[:, 2] / here[:, 0])[:, None])
    weight = total.weight[place]
    return {
        "from": place / BINS,
        "to": (place + 1) / BINS,
        "predicted": float(total.predicted[place] / weight),
        "right": interval(float(total.right[place] / weight), low[0], high[0]),
        "weight": float(weight / total.weight.sum()),
    }
