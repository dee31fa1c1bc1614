"""How good a way to choose is: solved@k on recorded pools, with losses that add up and paired intervals.

Coverage is the share of problems with a right candidate; the filter loses those where no right candidate survives the
examples; what remains and is not solved is lost in the choice. Counts are exact: a policy that draws (random) is
averaged over its seeds as a fraction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from clustering.evidence import TEST_INPUT, Evidence
from clustering.policies import Scorer, order, survivors
from eval.intervals import Bootstrap, Interval
from eval.pools.store import Labelled

RANDOM_SEEDS = 100
ORACLE = "oracle"
READ_NO_OUTPUT = frozenset({"random", "logprob", ORACLE})


@dataclass(frozen=True, slots=True)
class Losses:
    """Of all problems: covered by some right candidate, and of these lost by the filter."""

    problems: int
    covered: int
    filtered_out: int


def losses(problems: Sequence[Labelled], use_examples: bool) -> Losses:
    """What no choice can win back."""
    covered = [problem for problem in problems if problem.right.any()]
    lost = [problem for problem in covered if not problem.right[survivors(evidence_of(problem, use_examples))].any()]
    return Losses(len(problems), len(covered), len(lost))


def pass_at_1(problems: Sequence[Labelled], seed: int = 0) -> Interval:
    """The mean share of a problem's samples that are right, those without a program counted as wrong."""
    return _interval(
        [
            Fraction(sum(c.weight for c, right in zip(p.plain.candidates, p.right, strict=True) if right), p.samples)
            for p in problems
        ],
        Bootstrap(len(problems), seed),
    )


def evidence_of(problem: Labelled, use_examples: bool) -> Evidence:
    """The evidence of one setting."""
    return problem.with_examples if use_examples else problem.plain


def solved(
    problem: Labelled, policy: str, ks: Sequence[int], *, use_examples: bool, scorer: Scorer, seed: int = 0
) -> dict[int, Fraction]:
    """For each k, the share of draws in which one of the first k submissions is right; 0 or 1 without draws."""
    evidence = evidence_of(problem, use_examples)
    if policy == ORACLE:
        hit = Fraction(int(problem.right[survivors(evidence)].any()))
        return dict.fromkeys(ks, hit)
    draws = range(seed, seed + RANDOM_SEEDS) if policy == "random" else (seed,)
    hits = dict.fromkeys(ks, 0)
    who = survivors(evidence)
    for draw in draws:
        chosen = problem.right[who[order(evidence, who, policy, draw, scorer)]]
        for k in ks:
            hits[k] += bool(chosen[:k].any())
    return {k: Fraction(count, len(draws)) for k, count in hits.items()}


def compare(
    problems: Sequence[Labelled],
    policies: Iterable[str],
    ks: Sequence[int],
    *,
    use_examples: bool,
    scorer: Scorer,
    seed: int = 0,
    on_policy: Callable[[str], None] = lambda name: None,
) -> dict[str, Any]:
    """The whole comparison as plain data."""
    base = losses(problems, use_examples)
    table: dict[str, dict[int, list[Fraction]]] = {}
    costs: dict[str, dict[str, float]] = {}
    for policy in policies:
        on_policy(policy)
        began = time.process_time()
        rows = [solved(p, policy, ks, use_examples=use_examples, scorer=scorer, seed=seed) for p in problems]
        seconds = time.process_time() - began
        table[policy] = {k: [row[k] for row in rows] for k in ks}
        costs[policy] = {"runs": results_read(problems, policy, use_examples), "seconds": round(seconds, 3)}
    draws = Bootstrap(len(problems), seed)
    return {
        "problems": base.problems,
        "examples": use_examples,
        "coverage": base.covered / base.problems,
        "filter_loss": base.filtered_out / base.problems,
        "policies": [_row(policy, table, base, draws) | {"cost": costs[policy]} for policy in table],
    }


def results_read(problems: Sequence[Labelled], policy: str, use_examples: bool) -> int:
    """How many runs of a survivor on a generated or model-written input a policy needs; none where it reads texts only.

    A run that several policies need is counted for each, though it is made once.
    """
    runs = 0
    for problem in problems:
        evidence = evidence_of(problem, use_examples)
        if policy == "codet" and evidence.tests is not None:
            width = sum(item.origin == TEST_INPUT for item in evidence.inputs)
        else:
            width = 0 if policy in READ_NO_OUTPUT else len(evidence.inputs)
        runs += width * len(survivors(evidence))
    return runs


def _row(policy: str, table: dict[str, dict[int, list[Fraction]]], base: Losses, draws: Bootstrap) -> Any:
    row: dict[str, Any] = {"policy": policy, "solved": {}, "selection_loss": {}, "default_minus_this": {}}
    for k, hits in table[policy].items():
        total = sum(hits, Fraction(0))
        lost = base.covered - base.filtered_out - total
        if Fraction(base.covered - base.filtered_out) - lost != total or lost < 0:
            raise AssertionError(f"{policy}: the losses at k = {k} do not add up")
        row["solved"][str(k)] = _interval(hits, draws)
        row["selection_loss"][str(k)] = float(lost / base.problems)
        if "default" in table:
            ours = table["default"][k]
            row["default_minus_this"][str(k)] = _interval([a - b for a, b in zip(ours, hits, strict=True)], draws)
    return row


def paired(ours: Sequence[Fraction], theirs: Sequence[Fraction], seed: int = 0) -> Interval:
    """The mean difference on the same problems, with its interval."""
    return _interval([a - b for a, b in zip(ours, theirs, strict=True)], Bootstrap(len(ours), seed))


def _interval(values: Sequence[Fraction], draws: Bootstrap) -> Interval:
    """The mean, exact until it is a float, with its interval over problems."""
    found = draws.mean([float(value) for value in values])
    return found | {"value": float(sum(values, Fraction(0)) / len(values))}
