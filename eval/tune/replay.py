"""A setting scored on recorded runs: samples that obey it are drawn within the budget and the choice is made again.

AlphaCode's subsampling (arXiv 2203.07814, Algorithm 1) with a mix of prompt plans: each next sample is of a plan drawn
by weight, as the engine draws it, as long as the record holds samples of each; then of those that are left. A draw ends
at the wanted number of samples, before the sample that the budget does not allow, or at the end of the record; how
often the record was too short is counted. All settings meet the same random numbers, so differences are paired.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from clustering.policies import Scorer
from eval.bench.problem_run import ProblemRun
from eval.metrics.draws import Indexes, chooser, first_right
from eval.tune.budget import Budget
from eval.tune.setting import Setting, generated_inputs
from solver.choice import scorer_of
from solver.config import RunConfig

DRAWS = 20
_ROUNDING = 1e-9

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """solved: problem → share of draws with a right program among k submissions. The rest are means of all draws: cost
    in the budget's unit; most_cost is the largest. ran_out: share of draws that the record was too short for. off_mix:
    share of samples drawn when one of the plans was used up already."""

    solved: dict[str, float]
    cost: float
    most_cost: float
    samples: float
    tokens: float
    executions: float
    ran_out: float
    off_mix: float

    @property
    def value(self) -> float:
        """Share of problems solved."""
        return float(np.mean(list(self.solved.values())))


@dataclass(frozen=True, slots=True)
class _Draw:
    """samples: of the run, in the order drawn."""

    samples: Indexes
    cost: float
    executions: int
    ran_out: bool
    off_mix: int


class Replay:
    """Recorded runs, and how they are drawn from. Runs of one problem count as one."""

    def __init__(
        self, runs: Sequence[ProblemRun], budget: Budget, k: int, *, draws: int = DRAWS, seed: int = 0
    ) -> None:
        """runs: at least one. k: submissions."""
        self.runs = runs
        self._budget = budget
        self._k = k
        self._draws = draws
        self._seed = seed
        self._known: dict[Setting, Score] = {}

    def score(self, setting: Setting) -> Score:
        """The same setting always has the same score. Raises UserError for a scorer that cannot be read."""
        if setting not in self._known:
            self._known[setting] = self._score(setting)
        return self._known[setting]

    def _score(self, setting: Setting) -> Score:
        solved: defaultdict[str, list[float]] = defaultdict(list)
        drawn: list[tuple[_Draw, int]] = []
        for run in self.runs:
            own = _under(run, setting)
            choose = chooser(own, _scorer(run.config))
            hits = 0
            for number, (order, waits) in enumerate(self._randomness(run)):
                draw = _drawn(own, setting, self._budget, order, waits)
                hits += first_right(own, choose, draw.samples, (self._k,), number) <= self._k
                drawn.append((draw, int(run.sample_tokens[draw.samples].sum())))
            solved[run.name].append(hits / self._draws)
        return Score(
            solved={name: float(np.mean(shares)) for name, shares in solved.items()},
            cost=_mean([draw.cost for draw, _ in drawn]),
            most_cost=max(draw.cost for draw, _ in drawn),
            samples=_mean([len(draw.samples) for draw, _ in drawn]),
            tokens=_mean([tokens for _, tokens in drawn]),
            executions=_mean([draw.executions for draw, _ in drawn]),
            ran_out=_mean([draw.ran_out for draw, _ in drawn]),
            off_mix=sum(draw.off_mix for draw, _ in drawn) / max(1, sum(len(draw.samples) for draw, _ in drawn)),
        )

    def _randomness(self, run: ProblemRun) -> Iterator[tuple[Indexes, Floats]]:
        """Per draw: an order of all samples, and for each sample an exponential waiting time."""
        digest = blake2b(f"{self._seed}:{run.name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
        rng = np.random.default_rng(int.from_bytes(digest, "big"))
        count = len(run.sample_program)
        for _ in range(self._draws):
            yield rng.permutation(count), rng.exponential(size=count)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


@lru_cache(maxsize=4)
def _scorer_at(path: str) -> Scorer:
    return scorer_of(RunConfig.model_validate({"scorer": path or None}))


def _scorer(config: RunConfig) -> Scorer:
    return _scorer_at(str(config.scorer or ""))


def _under(run: ProblemRun, setting: Setting) -> ProblemRun:
    """The run as if this policy chose, on so many generated inputs and what the model wrote, with so many opinions."""
    own = generated_inputs(run)
    columns = [
        *range(min(own, setting.inputs)),
        *(at for at, item in enumerate(run.evidence.inputs) if item.origin.startswith("model:")),
    ]
    return replace(
        run,
        evidence=run.evidence.only_inputs(columns),
        config=run.config.model_copy(update={"policy": setting.policy}),
        report={**run.report, "opinions": list(run.report.get("opinions", ()))[: setting.opinions]},
    )


def _drawn(run: ProblemRun, setting: Setting, budget: Budget, order: Indexes, waits: Floats) -> _Draw:
    low, high = setting.temperature
    heat = run.sample_temperature
    pool = order[(heat[order] >= low - _ROUNDING) & (heat[order] <= high + _ROUNDING)]
    held = len(pool)
    if setting.plans:
        pool, held = _mixed(run, setting.plans, pool, waits)
    wanted = pool[: setting.samples]
    executions = _executions(run, wanted)
    spent = run.sample_tokens[wanted] * budget.per_token + executions * budget.per_execution
    cost = budget.opinions(setting.opinions) + np.cumsum(spent)
    kept = int(np.searchsorted(cost, budget.amount + _ROUNDING, side="right"))
    return _Draw(
        samples=wanted[:kept],
        cost=float(cost[kept - 1]) if kept else 0.0,
        executions=int(executions[:kept].sum()),
        ran_out=kept == len(wanted) < setting.samples,
        off_mix=max(0, kept - held),
    )


def _mixed(run: ProblemRun, plans: Sequence[tuple[str, float]], pool: Indexes, waits: Floats) -> tuple[Indexes, int]:
    """The pool's samples of these plans in the order drawn, and how many of them the mix held for.

    Each plan's samples arrive like a Poisson process with its weight for a rate, so the next one is of a plan drawn by
    weight, among the plans that have samples left.
    """
    named = np.array(run.sample_plan, dtype=object)[pool]
    queues = [pool[named == name] for name, _ in plans]
    arrivals = [np.cumsum(waits[queue]) / weight for queue, (_, weight) in zip(queues, plans, strict=True)]
    times = np.concatenate(arrivals)
    last = min((float(times_of[-1]) if len(times_of) else 0.0 for times_of in arrivals), default=0.0)
    order = np.argsort(times, kind="stable")
    return np.concatenate(queues)[order], int((times <= last).sum())


def _executions(run: ProblemRun, samples: Indexes) -> Indexes:
    """Per sample the executions that it causes: none for a program that was drawn before."""
    rows = run.sample_program[samples]
    caused = np.zeros(len(samples), dtype=np.intp)
    programs, first = np.unique(rows, return_index=True)
    first, programs = first[programs >= 0], programs[programs >= 0]
    passing = run.evidence.passes[programs] * len(run.evidence.inputs)
    caused[first] = run.example_runs[programs] + passing
    return caused
