"""What was measured of models and of this machine in benchmark runs that ended, for estimates: numbers with where and
when they come from, in the cache directory. A machine that shares its cache directory with another shares these too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.cache import cache_directory

_KEPT = 5  # measurements of a figure, each of another run


@dataclass(frozen=True, slots=True)
class Measurement:
    """value: in the figure's unit. when: ISO 8601, UTC. where: the directory of the run. model: whose samples."""

    value: float
    when: str
    where: str
    model: str


def _file() -> Path:
    return cache_directory() / "rates.json"


def known(model: str, name: str, *, without: str = "") -> Measurement | None:
    """The newest measurement of a figure, not counting the run in the directory `without`."""
    rows = _read().get(model, {}).get(name, [])
    found = [row for row in rows if row.where != without]
    return max(found, key=lambda row: row.when, default=None)


def known_of_any(name: str, *, without: str = "") -> Measurement | None:
    """The same for whatever model: for what depends little on the model."""
    found = [known(model, name, without=without) for model in _read()]
    return max((one for one in found if one is not None), key=lambda row: row.when, default=None)


def remember(model: str, figures: Mapping[str, float], where: str) -> None:
    """In place of what was remembered of the same run. A cache that cannot be written is not worth a word."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    everything = _read()
    of_model = everything.setdefault(model, {})
    for name, value in figures.items():
        others = [row for row in of_model.get(name, []) if row.where != where]
        others.sort(key=lambda row: row.when)
        of_model[name] = [*others[-(_KEPT - 1) :], Measurement(value, when, where, model)]
    plain = {
        model: {name: [asdict(row) for row in rows] for name, rows in figures_of.items()}
        for model, figures_of in everything.items()
    }
    try:
        _file().parent.mkdir(parents=True, exist_ok=True)
        temporary = _file().with_suffix(".tmp")
        temporary.write_text(json.dumps(plain, indent=1), encoding="utf-8")
        temporary.replace(_file())
    except OSError:
        return


def _read() -> dict[str, dict[str, list[Measurement]]]:
    """What is damaged or of another version is as if it were not there."""
    try:
        plain = json.loads(_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    found: dict[str, dict[str, list[Measurement]]] = {}
    for model, figures in plain.items() if isinstance(plain, dict) else ():
        if isinstance(figures, dict):
            found[model] = {name: _rows(rows) for name, rows in figures.items()}
    return found


def _rows(plain: Any) -> list[Measurement]:
    try:
        rows = [Measurement(float(row["value"]), row["when"], row["where"], row["model"]) for row in plain]
    except (TypeError, KeyError, ValueError):
        return []
    return [row for row in rows if row.value >= 0]
