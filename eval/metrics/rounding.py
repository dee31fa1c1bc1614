"""Plain data with short decimals, so that results do not differ in bits that depend on the machine."""

from __future__ import annotations

from typing import Any

import numpy as np

DIGITS = 6


def rounded(value: Any) -> Any:
    """The same data with floats of DIGITS decimals, numpy's as Python's own. Raises ValueError for what is no finite
    number, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(one) for one in value]
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            raise ValueError(f"a figure is {value}")
        return round(float(value), DIGITS) + 0.0  # -0.0 becomes 0.0
    if isinstance(value, np.integer):
        return int(value)
    return bool(value) if isinstance(value, np.bool_) else value
