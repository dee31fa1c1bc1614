"""What is tuned: one setting of the engine, the space of those that recorded runs can be scored under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from math import gcd
from typing import Any, Protocol

import numpy as np

from clustering.policies import POLICIES
from eval.bench.problem_run import ProblemRun
from solver.choice import OPINION_POLICIES
from solver.prompts import load_plans

MOST_WEIGHT = 8
"""Of a prompt plan; 0 leaves it out."""
_NOT_OFFERED = ("random",)
_NEED_TESTS = ("codet", "codet-clusters", "aces")


@dataclass(frozen=True, slots=True)
class Setting:
    """samples: at most. inputs: generated ones. temperature: low and high. plans: name → weight, without those that are
    left out; empty where the mix cannot be tuned. opinions: clusters that the model is asked about."""

    samples: int
    inputs: int
    policy: str
    temperature: tuple[float, float]
    plans: tuple[tuple[str, float], ...] = ()
    opinions: int = 0

    def plain(self) -> dict[str, Any]:
        """JSON types only; `from_plain` reads it."""
        return asdict(self) | {"temperature": list(self.temperature), "plans": dict(self.plans)}

    @staticmethod
    def from_plain(record: Mapping[str, Any]) -> Setting:
        low, high = record["temperature"]
        plans = tuple((str(name), float(weight)) for name, weight in record["plans"].items())
        return Setting(**{**record, "temperature": (float(low), float(high)), "plans": plans})


class Suggests(Protocol):
    """The part of an Optuna trial that is used here."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...
    def suggest_float(self, name: str, low: float, high: float) -> float: ...
    def suggest_categorical(self, name: str, choices: Sequence[str]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Space:
    """base: the setting that the runs were made with. What has one value alone is not tuned."""

    base: Setting
    policies: tuple[str, ...]
    most_opinions: int

    def suggest(self, trial: Suggests) -> Setting:
        """Each value that is tuned, asked of the optimiser."""
        base = self.base
        policy = str(trial.suggest_categorical("policy", self.policies))
        opinions = 0
        if policy in OPINION_POLICIES:
            opinions = trial.suggest_int("opinions", 1, self.most_opinions)
        return Setting(
            samples=trial.suggest_int("samples", 1, base.samples, log=True) if base.samples > 1 else 1,
            inputs=trial.suggest_int("inputs", 0, base.inputs) if base.inputs else 0,
            policy=policy,
            temperature=self._temperature(trial),
            plans=self._plans(trial),
            opinions=opinions,
        )

    def base_parameters(self) -> dict[str, Any]:
        """The base in the optimiser's words, as nearly as they can say it."""
        base = self.base
        heaviest = max((weight for _, weight in base.plans), default=1.0)
        found: dict[str, Any] = {"policy": base.policy, "samples": base.samples, "inputs": base.inputs}
        if base.policy in OPINION_POLICIES:
            found["opinions"] = base.opinions
        if base.temperature[0] < base.temperature[1]:
            found |= {"temperature_low": base.temperature[0], "temperature_rest": 1.0}
        for name, weight in base.plans if len(base.plans) > 1 else ():
            whole = weight == int(weight) and weight <= MOST_WEIGHT
            found[f"weight {name}"] = int(weight) if whole else max(1, round(weight / heaviest * MOST_WEIGHT))
        return found

    def _temperature(self, trial: Suggests) -> tuple[float, float]:
        low, high = self.base.temperature
        if low == high:
            return low, high
        start = trial.suggest_float("temperature_low", low, high)
        end = start + trial.suggest_float("temperature_rest", 0.0, 1.0) * (high - start)
        return min(high, max(low, round(start, 2))), min(high, max(low, round(end, 2)))

    def _plans(self, trial: Suggests) -> tuple[tuple[str, float], ...]:
        names = [name for name, _ in self.base.plans]
        if len(names) < 2:
            return self.base.plans
        weights = [trial.suggest_int(f"weight {name}", 0, MOST_WEIGHT) for name in names]
        if not any(weights):
            weights = [1] * len(names)
        divisor = reduce(gcd, weights)
        return tuple((n, float(w // divisor)) for n, w in zip(names, weights, strict=True) if w)


def space_of(runs: Sequence[ProblemRun]) -> Space:
    """What these runs' records can say. runs: at least one. Raises UserError for a plans file that is gone."""
    config = runs[0].config
    questions = min(len(run.report.get("opinions", ())) for run in _with_survivors(runs))
    base = Setting(
        samples=max(1, min(config.samples, max(len(run.sample_program) for run in runs))),
        inputs=max(generated_inputs(run) for run in runs),
        policy=config.policy,
        temperature=_temperature_of(runs),
        plans=_plans_of(runs),
        opinions=config.opinions if config.policy in OPINION_POLICIES else 0,
    )
    return Space(base, _policies_of(runs, questions, config.policy), max(questions, base.opinions))


def generated_inputs(run: ProblemRun) -> int:
    """Columns of the evidence, the first ones, that the engine generated itself: not the model's, not those that a
    search for distinguishing inputs found, which belong to the very samples that were there."""
    known = int(run.report.get("counts", {}).get("generated_inputs", len(run.evidence.inputs)))
    return sum(not item.origin.startswith("model:") for item in run.evidence.inputs[:known])


def _with_survivors(runs: Sequence[ProblemRun]) -> Sequence[ProblemRun]:
    return [run for run in runs if run.evidence.passes.any()] or runs


def _policies_of(runs: Sequence[ProblemRun], questions: int, own: str) -> tuple[str, ...]:
    tests = any(run.evidence.tests is not None for run in runs)
    likely = any(one.mean_logprob is not None for run in runs for one in run.evidence.candidates)
    plans = len({plan for run in runs for plan in run.sample_plan}) > 1
    left_out = {
        *_NOT_OFFERED,
        *(() if tests else _NEED_TESTS),
        *(() if likely else ("logprob",)),
        *(() if plans else ("plans",)),
    }
    offered = [name for name in POLICIES if name not in left_out] + (list(OPINION_POLICIES) if questions else [])
    return tuple(dict.fromkeys([own, *offered]))


def _temperature_of(runs: Sequence[ProblemRun]) -> tuple[float, float]:
    """The configured range, or that of the samples where they were recorded under another one."""
    seen = np.concatenate([run.sample_temperature for run in runs])
    low, high = runs[0].config.temperature
    if not len(seen) or (low <= seen.min() and seen.max() <= high and seen.min() < seen.max()):
        return low, high
    return float(seen.min()), float(seen.max())


def _plans_of(runs: Sequence[ProblemRun]) -> tuple[tuple[str, float], ...]:
    """The configured mix, of plans that gave samples; empty when the samples were recorded with other plans."""
    config = runs[0].config
    known = {plan.name: plan.weight for plan in load_plans(config.plans_file, config.plans)}
    seen = {plan for run in runs for plan in run.sample_plan}
    if len(seen) < 2 or not seen <= set(known):
        return ()
    return tuple((name, weight) for name, weight in known.items() if name in seen)
