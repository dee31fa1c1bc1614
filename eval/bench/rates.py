"""Tokens a second as last measured with each model on this machine, for estimates."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.cache import cache_directory


def _file() -> Path:
    return cache_directory() / "rates.json"


def measured_rate(model: str) -> float | None:
    """None when nothing was measured."""
    try:
        rate = json.loads(_file().read_text("utf-8"))[model]
        return float(rate) if float(rate) > 0 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_rate(model: str, tokens_per_second: float) -> None:
    """A cache that cannot be written is not worth a word."""
    try:
        known = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        temporary = _file().with_suffix(".tmp")
        temporary.write_text(json.dumps(known | {model: round(tokens_per_second, 1)}), encoding="utf-8")
        temporary.replace(_file())
    except OSError:
        return
