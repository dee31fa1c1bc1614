"""Calibration of P(correct) with intervals over problems, from sums that each problem left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.calibration import BINS, Reliability, expected_calibration_error
from eval.intervals import Bootstrap, Floats, bounds, interval


def calibration(problems: Sequence[Reliability], bootstrap: Bootstrap) -> dict[str, Any] | None:
    """Expected calibration error, Brier score and the reliability by tenth; None where nothing was predicted.

    A tenth's interval is over resamples in which it has any weight. The error is never below 0, and small samples make
    it large by chance: its interval says by how much it varies, not how far it is from 0.
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
    low, high = bounds(_errors(sums)[:, None])
    return {
        "error": interval(error, low[0], high[0]),
        "brier": total.brier(),
        "weight": float(total.weight.sum()),
        "bins": [_bin(total, sums, place) for place in range(BINS) if total.weight[place] > 0],
    }


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
