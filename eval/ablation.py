"""What each signal and each source of inputs buys: the default policy learnt and measured again without it.

Every variant is trained on the pools at hand and scores each problem by a fold that has not seen it, so that the
differences are between held-out figures. Not covered: pairs of signals, which can stand in for each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from clustering.evidence import Evidence
from clustering.policies import train
from clustering.policies.features import GROUPS, NAMES
from eval.pools.store import Labelled
from eval.selection import paired, solved
from eval.train_scorer import settings


@dataclass(frozen=True, slots=True)
class Variant:
    """kind: `all`, `without signal`, `only signal` or `without inputs`."""

    kind: str
    name: str
    names: tuple[str, ...]
    problems: tuple[Labelled, ...]


def variants(problems: Sequence[Labelled]) -> Iterator[Variant]:
    """Everything, then one thing less at a time, then one signal alone at a time."""
    everything = tuple(problems)
    yield Variant("all", "", NAMES, everything)
    for group, members in GROUPS.items():
        yield Variant("without signal", group, tuple(name for name in NAMES if name not in members), everything)
    for group, members in GROUPS.items():
        yield Variant("only signal", group, members, everything)
    for origin in origins(problems):
        yield Variant("without inputs", origin, NAMES, tuple(without_origin(problem, origin) for problem in problems))


def origins(problems: Sequence[Labelled]) -> list[str]:
    """Where the inputs of these problems came from, without details: `structure`, `call`, `signature`, `model` …"""
    return sorted({family(item.origin) for problem in problems for item in problem.with_examples.inputs})


def family(origin: str) -> str:
    """The part of an input's origin that names its source."""
    return origin.partition(":")[0]


def without_origin(problem: Labelled, origin: str) -> Labelled:
    """The problem as if no input had come from there."""
    return replace(problem, plain=_less(problem.plain, origin), with_examples=_less(problem.with_examples, origin))


def _less(evidence: Evidence, origin: str) -> Evidence:
    kept = [index for index, item in enumerate(evidence.inputs) if family(item.origin) != origin]
    return evidence.only_inputs(kept)


def ablate(
    problems: Sequence[Labelled], ks: Sequence[int], *, use_examples: bool, seed: int = 0
) -> list[dict[str, Any]]:
    """A row a variant: what it solves, and the paired difference from everything. Raises ValueError where nothing can
    be learnt."""
    rows: list[dict[str, Any]] = []
    baseline: dict[int, list[Fraction]] = {}
    for variant in variants(problems):
        scorer = train([example for problem in variant.problems for example in settings(problem)], names=variant.names)
        hits = [solved(p, "default", ks, use_examples=use_examples, scorer=scorer, seed=seed) for p in variant.problems]
        table = {k: [row[k] for row in hits] for k in ks}
        baseline = baseline or table
        rows.append(
            {
                "kind": variant.kind,
                "name": variant.name,
                "solved": {str(k): float(sum(table[k], Fraction(0)) / len(table[k])) for k in ks},
                "all_minus_this": {str(k): paired(baseline[k], table[k], seed) for k in ks},
            }
        )
    return rows
