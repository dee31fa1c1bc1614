"""What a setting may spend on a problem, in one unit: tokens of the model or seconds.

An execution is paid in the same coin as a token. Its price is the CPU time of a mean execution of the recorded runs, in
tokens that the model would have written meanwhile, unless the user sets it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eval.bench.problem_run import ProblemRun
from solver.errors import UserError
from solver.judging import MAX_GAMES

OPINION_TOKENS = 20
"""Price of asking the model about programs, a question: it reads a long prompt and writes one token."""


@dataclass(frozen=True, slots=True)
class Budget:
    """amount: for one problem, in the unit, as the prices are."""

    amount: float
    unit: str
    per_token: float
    per_execution: float
    per_question: float

    def plain(self) -> dict[str, Any]:
        """JSON types only."""
        return asdict(self)

    def opinions(self, clusters: int) -> float:
        """What it costs to have the model judge and compare the programs of so many clusters."""
        opponents = min(clusters - 1, MAX_GAMES) if clusters else 0
        return self.per_question * (clusters + clusters * opponents)


def make_budget(
    runs: Sequence[ProblemRun],
    *,
    tokens: int | None,
    seconds: float | None,
    execution_cost: float | None = None,
    tokens_per_second: float | None = None,
) -> Budget:
    """execution_cost: in the budget's unit. Raises UserError when the records do not tell a price that is needed."""
    if (tokens is None) == (seconds is None):
        raise UserError("one budget a problem is needed: --tokens N or --seconds S")
    written = sum(int(run.sample_tokens.sum()) for run in runs)
    rate = tokens_per_second or _measured_rate(runs, written)
    if not written and tokens is not None:
        raise UserError("--tokens: these samples were recorded without their token counts")
    executions = sum(run.executions for run in runs)
    cpu_seconds = sum(run.sandbox_cpu_seconds for run in runs) / executions if executions else 0.0
    if tokens is not None:
        price = cpu_seconds * (rate or 0.0) if execution_cost is None else execution_cost
        return Budget(tokens, "tokens", 1.0, price, OPINION_TOKENS)
    if rate is None:
        raise UserError("--seconds: how fast the model writes is not recorded; give --tokens-per-second")
    assert seconds is not None
    price = cpu_seconds if execution_cost is None else execution_cost
    return Budget(seconds, "seconds", 1.0 / rate, price, OPINION_TOKENS / rate)


def _measured_rate(runs: Sequence[ProblemRun], tokens: int) -> float | None:
    """Tokens a second of one problem; None for replayed samples, which come as fast as they are read."""
    spent = sum(run.model_seconds for run in runs)
    if not tokens or spent <= 0 or any(run.config.sampler == "recorded" for run in runs):
        return None
    return tokens / spent
