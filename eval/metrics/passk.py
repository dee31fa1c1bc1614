"""pass@k: the chance that one of k samples, drawn from n of which c are right, is right."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np


def pass_at_k(n: int, c: int, k: int) -> float:
    """The unbiased estimator 1 - C(n-c, k) / C(n, k) (Chen et al., arXiv 2107.03374, section 2.1), as a product, so
    that no large number occurs.

    With fewer than k samples nothing can be estimated; what the n samples show (0 or 1) is a lower bound, and is what
    comes back. Raises ValueError unless 0 ≤ c ≤ n and k ≥ 1.
    """
    _check(n, c, k)
    k = min(k, n)
    if n - c < k:
        return 1.0 if c else 0.0
    fewer, more = sorted((c, k))  # C(n-c, k) / C(n, k) is symmetric in c and k
    return float(1.0 - np.prod(1.0 - more / np.arange(n - fewer + 1, n + 1)))


def exact_pass_at_k(n: int, c: int, k: int) -> Fraction:
    """The same without rounding, for checks."""
    _check(n, c, k)
    k = min(k, n)
    return 1 - Fraction(comb(n - c, k), comb(n, k))


def _check(n: int, c: int, k: int) -> None:
    if not 0 <= c <= n or k < 1:
        raise ValueError(f"pass@{k} of {c} right among {n} samples means nothing")
