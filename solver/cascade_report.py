"""What the levels of a cascade did, from a run's record."""

from __future__ import annotations

import json
from typing import Any

from solver.choice import survivors
from solver.config import RunConfig
from solver.store import Store

LEFT = "cascade"
"""The store's meta key for the levels that were left."""


def levels_left(store: Store) -> list[dict[str, Any]]:
    """One row a level that was left: samples, tokens and seconds of all levels so far, and why."""
    rows: list[dict[str, Any]] = json.loads(store.meta(LEFT) or "[]")
    return rows


def cascade_report(config: RunConfig, store: Store, settled: int) -> list[dict[str, Any]] | None:
    """What each level did, and why it was left; None without a cascade. usd: None without a price."""
    if not config.cascade:
        return None
    left = levels_left(store)
    found, begun = [], 0
    for number, level in enumerate(config.cascade[: len(left) + 1]):
        ended = left[number]["samples"] if number < len(left) else settled
        drawn, survived = drawn_and_survived(store, begun, min(ended, settled))
        tokens = store.query(
            "SELECT coalesce(sum(completion_tokens), 0) FROM samples WHERE idx >= ? AND idx < ?",
            begun,
            min(ended, settled),
        )[0][0]
        found.append(
            {
                "model": level.model,
                "samples": drawn,
                "survivors": survived,
                "tokens": tokens,
                "usd": None if level.price is None else round(tokens * level.price / 1e6, 6),
                "left": left[number]["why"] if number < len(left) else None,
            }
        )
        begun = ended
    return found


def drawn_and_survived(store: Store, begun: int, ended: int) -> tuple[int, int]:
    """Samples with begun <= idx < ended, and how many of them pass the examples."""
    keys = {survivor.key for survivor in survivors(store, ended)}
    rows = store.query("SELECT program FROM samples WHERE idx >= ? AND idx < ?", begun, ended)
    return len(rows), sum(key in keys for (key,) in rows)
