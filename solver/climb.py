"""A run on its way up a cascade: which model has the problem, how far it may go, and whether the next one gets it.

Where a run stands is in its store: one row for each level that was left. Every decision is made from samples that have
all been judged, in their order of arrival, so recorded samples replay it; and after a crash it is made again, from the
same record. Not covered: opening and closing the models' samplers.
"""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import Any

from solver.cascade import Level, early_end
from solver.cascade_report import LEFT, drawn_and_survived, levels_left
from solver.choice import choose, scorer_of
from solver.config import RunConfig
from solver.engine import StopReason
from solver.store import Store

_SPENT = (StopReason.SAMPLES, StopReason.TOKENS, StopReason.SECONDS, StopReason.EXHAUSTED)


class Next(Enum):
    DONE = auto()
    GO_ON = auto()
    """With the same model, to its full budget."""
    CLIMB = auto()
    """To the next model."""


class Climb:
    """Of one run; without a cascade, its only level is the run itself."""

    def __init__(self, config: RunConfig, store: Store) -> None:
        self._run = config
        self._store = store
        self._in_full = False

    @property
    def number(self) -> int:
        """Of the level that has the problem, from 0."""
        return len(self._left())

    @property
    def config(self) -> RunConfig:
        """The run's, with the level's model."""
        return self._run.at_level(self.number) if self._run.cascade else self._run

    def stage(self) -> RunConfig:
        """What the engine shall do next: up to this number of samples, of all levels together."""
        if not self._run.cascade:
            return self._run
        before, level = self._before(), self._level()
        limits = {
            "samples": before["samples"] + self._samples(),
            "max_total_tokens": _least(self._run.max_total_tokens, _sum(before["tokens"], level.most_tokens)),
            "max_seconds": _least(self._run.max_seconds, _sum(before["seconds"], level.seconds)),
        }
        return self.config.model_copy(update=limits)

    def after(self, reason: StopReason, settled: int) -> Next:
        """What follows when the engine has ended; climbing is recorded. settled: samples that the result is made of."""
        if reason not in _SPENT or self.number + 1 >= len(self._run.cascade) or self._run_is_over(reason):
            return Next.DONE
        drawn, survived = self._of_level(settled)
        if not survived:
            return self._leave(f"none of {drawn} samples passes the examples")
        if reason is StopReason.SAMPLES and not self._in_full and drawn < self._budget():
            self._in_full = True
            return Next.GO_ON
        answer = choose(self._store, settled, 1, self._run.policy, self._run.seed, scorer_of(self._run))
        confidence = max((submission.confidence for submission in answer.submissions), default=0.0)
        if confidence >= self._run.accept:
            return Next.DONE
        return self._leave(f"P(correct) of the best submission is {confidence:.2f}, less than {self._run.accept:g}")

    # --- the level ----------------------------------------------------------------------------------

    def _level(self) -> Level:
        return self._run.cascade[self.number]

    def _budget(self) -> int:
        return self._level().samples or self._run.samples

    def _samples(self) -> int:
        early = None if self._in_full else early_end(self._run.cascade, self.number, self._budget())
        return early or self._budget()

    def _of_level(self, settled: int) -> tuple[int, int]:
        """(samples, survivors among them) of the level."""
        return drawn_and_survived(self._store, self._before()["samples"], settled)

    def _run_is_over(self, reason: StopReason) -> bool:
        """Whether the whole run's budget is spent and not only the level's."""
        tokens = self._store.query("SELECT coalesce(sum(completion_tokens), 0) FROM samples")[0][0]
        limit, seconds = self._run.max_total_tokens, self._run.max_seconds
        out_of_tokens = limit is not None and tokens >= limit
        return out_of_tokens or (
            reason is StopReason.SECONDS and seconds is not None and self.stage().max_seconds == seconds
        )

    # --- the record -----------------------------------------------------------------------------------

    def _left(self) -> list[dict[str, Any]]:
        return levels_left(self._store)

    def _before(self) -> dict[str, Any]:
        """Samples, tokens and seconds of all levels that were left."""
        return self._left()[-1] if self.number else {"samples": 0, "tokens": 0, "seconds": 0.0}

    def _leave(self, why: str) -> Next:
        samples, tokens = self._store.query("SELECT count(*), coalesce(sum(completion_tokens), 0) FROM samples")[0]
        seconds = float(self._store.meta("elapsed_seconds") or 0.0)
        row = {"samples": samples, "tokens": tokens, "seconds": seconds, "why": why}
        self._store.set_meta(LEFT, json.dumps([*self._left(), row]))
        self._in_full = False
        return Next.CLIMB


def _sum(before: float, more: float | None) -> Any:
    return None if more is None else before + more


def _least(*limits: Any) -> Any:
    return min((limit for limit in limits if limit is not None), default=None)
