"""Which figures a plan uses: what was given, else what was measured, else what is assumed; each with its source."""

from __future__ import annotations

from collections.abc import Mapping

from eval.bench.rates import Measurement, known, known_of_any
from eval.plan.arithmetic import ANSWER_SHARE, FIGURES, OF_THE_MODEL, Figure


def gather(model: str, max_tokens: int, given: Mapping[str, float | None], *, without: str = "") -> dict[str, Figure]:
    """given: by the names of FIGURES; None counts as not given. without: a run directory whose measurements are left
    out. A pace that nobody knows is left out."""
    found: dict[str, Figure] = {}
    for name, (_, assumed, ground) in FIGURES.items():
        value = given.get(name)
        if value is not None:
            found[name] = Figure(value, "given")
        elif measured := _measured(model, name, without):
            found[name] = Figure(measured.value, told(measured, model))
        elif name == "tokens_per_sample":
            found[name] = Figure(max_tokens * ANSWER_SHARE, f"assumed: {ground}")
        elif assumed is not None:
            found[name] = Figure(assumed, f"assumed: {ground}")
    return found


def _measured(model: str, name: str, without: str) -> Measurement | None:
    own = known(model, name, without=without)
    return own or (None if name in OF_THE_MODEL else known_of_any(name, without=without))


def told(measured: Measurement, model: str) -> str:
    """`measured 2026-11-27 with MODEL in DIRECTORY`"""
    whose = "" if measured.model == model else f" with {measured.model}"
    return f"measured {measured.when[:16].replace('T', ' ')} UTC{whose} in {measured.where}"
