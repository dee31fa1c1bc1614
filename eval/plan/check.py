"""A prediction against what happened: a run predicted from the figures of other runs, of one that is named, or from its
own first tenth."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from eval.plan.arithmetic import FIGURES, Figure, Workload, predict
from eval.plan.gather import gather
from eval.plan.measured import Measured, Totals, busy_driver, figures
from solver.errors import UserError

TENTH = 0.1


@dataclass(frozen=True, slots=True)
class Row:
    """predicted, actual: in the same unit; None where it is not known. source: of a figure, "" of a consequence."""

    name: str
    predicted: float | None
    actual: float | None
    source: str = ""


def from_others(run: Measured, model: str) -> dict[str, Figure]:
    """The figures of other runs of the model, and what is assumed where there are none."""
    return gather(model, run.config.max_tokens, {}, without=str(run.directory.absolute()))


def from_run(run: Measured, other: Measured) -> dict[str, Figure]:
    """What another run measured, whatever its model; where it does not tell, as `from_others`."""
    told = figures(other.totals, other.sessions, replayed=other.config.sampler == "recorded")
    own = {name: Figure(value, f"measured in {other.directory}") for name, value in told.items()}
    return from_others(run, run.model) | own


def from_own_tenth(run: Measured, model: str) -> dict[str, Figure]:
    """The first tenth of the problems, and of the time where the sessions tell it. Raises UserError where there are too
    few problems."""
    count = round(len(run.per_problem) * TENTH)
    if not count:
        raise UserError(f"{run.directory}: {len(run.per_problem)} problems have no tenth; use --check-from others")
    replayed = run.config.sampler == "recorded"
    own = figures(sum(run.per_problem[:count], Totals()), run.sessions, replayed=replayed)
    for of_all_sessions in ("tokens_per_second", "driver_samples_per_second"):
        own.pop(of_all_sessions, None)
    if not replayed and (rate := _early_rate(run)):
        own["tokens_per_second"] = rate
    found = gather(model, run.config.max_tokens, {}, without=str(run.directory.absolute()))
    return found | {name: Figure(value, f"its own first tenth ({count} problems)") for name, value in own.items()}


def _early_rate(run: Measured) -> float | None:
    """Tokens a second of one device in the first session's first tenth, loading included."""
    points = (run.sessions[0].get("points") or []) if run.sessions else []
    whole = sum(int(one.get("completion_tokens", 0)) for one in run.sessions)
    for seconds, _, tokens, _ in points:
        if tokens >= TENTH * whole and seconds > 0:
            return float(tokens / seconds / _devices(run.sessions[0]))
    return None


def _devices(session: dict[str, Any]) -> int:
    """GPUs that it sampled on, or was given on a cluster; a CPU counts as one."""
    return (session.get("engine") or {}).get("devices") or session.get("devices") or 1


def check(run: Measured, used: dict[str, Figure]) -> list[Row]:
    """One row for each figure, then one for each consequence. The numbers of problems and samples are taken as they
    were, an early stop included."""
    totals = run.totals
    if not totals.samples:
        raise UserError(f"{run.directory}: no sample was drawn, so there is nothing to check")
    replayed = run.config.sampler == "recorded"
    cores = run.config.workers or len(os.sched_getaffinity(0))
    devices = max(map(_devices, run.sessions), default=1)
    more: dict[str, int] = {"gpus": 0, "cores": cores} if replayed else {"gpus": devices}
    work = Workload(totals.problems, totals.samples / totals.problems, run.config.inputs, **more)
    told = predict(work, {name: figure.value for name, figure in used.items()})
    real = figures(totals, run.sessions, replayed=replayed)
    rows = [
        Row(FIGURES[name][0], used[name].value if name in used else None, real.get(name),
            used[name].source if name in used else "not known")
        for name in FIGURES
    ]  # fmt: skip
    spent = sum(float(one.get("seconds", 0.0)) for one in run.sessions)
    handled, driver = busy_driver(run.sessions)
    return [
        *rows,
        Row("completion tokens", told.completion_tokens, totals.completion_tokens),
        Row("programs", told.programs, totals.unique),
        Row("executions", told.executions, totals.executions),
        Row("core seconds of programs", told.sandbox_core_seconds, _core_seconds(real, totals)),
        Row("seconds of a driver core", handled / used["driver_samples_per_second"].value, driver or None),
        Row("bytes of disk", told.disk_bytes, totals.disk_bytes),
        Row("seconds in all", told.seconds, spent or None),
    ]


def _core_seconds(real: dict[str, float], totals: Totals) -> float | None:
    each = real.get("execution_seconds")
    return None if each is None else each * totals.executions
