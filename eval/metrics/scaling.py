"""Two laws of how figures grow with the number of samples, fitted with intervals over problems.

Coverage: exp(a · n^b), the exponentiated power law of Large Language Monkeys (Brown et al., arXiv 2407.21787, section
3.1). Solved with k submissions: intercept + slope · log10(n), the log-linear growth of AlphaCode (arXiv 2203.07814,
section 5.3). A fit describes the range it was made on; what it says beyond is a guess with an interval that does not
know whether the law goes on.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.intervals import Bootstrap, bounds, interval

REFITS = 200
BEYOND = (10, 100)
"""How many times the largest n the law is asked about."""
_FEWEST_POINTS = 3

Floats = NDArray[np.float64]


def exponentiated_power(n: Floats, a: float, b: float) -> Floats:
    """exp(a · n^b), with a, b < 0 a curve that rises from exp(a) at n = 1 to 1."""
    return np.asarray(np.exp(a * np.power(n, b)))


def fit_coverage(ns: Sequence[int], coverage: Floats, seed: int = 0) -> dict[str, Any] | None:
    """coverage: shape (problems, len(ns)), each problem's pass@n.

    None where fewer than three n have a mean strictly between 0 and 1, or no curve can be found.
    """
    n = np.array(ns, dtype=float)
    mean = coverage.mean(axis=0) if len(coverage) else np.zeros(len(n))
    found = _fit(n, mean)
    if found is None:
        return None
    bootstrap = Bootstrap(len(coverage), seed, REFITS)
    refitted = [fit for curve in bootstrap.sums(coverage) / len(coverage) if (fit := _fit(n, curve)) is not None]
    if not refitted:
        return None
    low, high = bounds(np.array(refitted))
    return {
        "law": "exp(a * n^b)",
        "a": interval(found[0], low[0], high[0]),
        "b": interval(found[1], low[1], high[1]),
        "r_squared": _r_squared(mean, exponentiated_power(n, *found)),
        "refitted": len(refitted),
        "beyond": [_beyond(int(n.max()) * times, found, refitted) for times in BEYOND],
    }


def _beyond(n: int, fit: tuple[float, float], refitted: Sequence[tuple[float, float]]) -> dict[str, float]:
    at = np.array([float(n)])
    low, high = bounds(np.array([exponentiated_power(at, *one) for one in refitted]))
    return {"n": n, **interval(float(exponentiated_power(at, *fit)[0]), low[0], high[0])}


def _fit(n: Floats, coverage: Floats) -> tuple[float, float] | None:
    """Least squares on the coverage itself, begun at the straight line through log(-log c) against log n."""
    from scipy.optimize import OptimizeWarning, curve_fit

    inside = (coverage > 0) & (coverage < 1)
    if inside.sum() < _FEWEST_POINTS:
        return None
    slope, log_a = np.polyfit(np.log(n[inside]), np.log(-np.log(coverage[inside])), 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            (a, b), _ = curve_fit(
                exponentiated_power,
                n,
                coverage,
                p0=(-np.exp(log_a), min(slope, -1e-6)),
                bounds=((-np.inf, -np.inf), (0.0, 0.0)),
            )
    except (RuntimeError, ValueError):
        return None
    return float(a), float(b)


def fit_log_linear(ns: Sequence[int], solved: Floats, seed: int = 0) -> dict[str, Any] | None:
    """solved: shape (problems, len(ns)), each problem's n@k. slope: gain for ten times the samples.

    Least squares are linear in the curve, so the fit of the mean is the mean of the problems' own fits. None with fewer
    than three n.
    """
    n = np.array(ns, dtype=float)
    if len(n) < _FEWEST_POINTS or not len(solved):
        return None
    slopes, intercepts = np.polyfit(np.log10(n), solved.T, 1)
    slope, intercept = Bootstrap(len(solved), seed).means(np.column_stack([slopes, intercepts]))
    fitted = intercept["value"] + slope["value"] * np.log10(n)
    return {
        "law": "intercept + slope * log10(n)",
        "slope": slope,
        "intercept": intercept,
        "r_squared": _r_squared(solved.mean(axis=0), fitted),
    }


def _r_squared(seen: Floats, fitted: Floats) -> float | None:
    """None for a flat curve, of which there is nothing to explain."""
    spread = float(((seen - seen.mean()) ** 2).sum())
    return 1.0 - float(((seen - fitted) ** 2).sum()) / spread if spread > 1e-12 else None
