"""The answer: at most k submissions such that it is most likely that at least one of them is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clustering.evidence import Evidence
from clustering.policies import signals
from clustering.policies.features import is_filtered
from clustering.policies.named import PUBLISHED
from clustering.policies.ordering import best_of_groups, by_group
from clustering.policies.scorer import Scorer, load_scorer
from clustering.policies.signals import Floats, Indexes

SECOND_FROM_CLUSTER = 0.01
"""How much of its chance a program keeps when one that behaves like it has been chosen already."""

POLICIES = ("default", *PUBLISHED)


class UnknownPolicy(ValueError):
    """No selection policy has this name; the message lists those that exist."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One submission. cluster: the number of its behaviour class among the candidates in question.

    confidence: P(correct) by the scorer, calibrated on the pools it was trained on.
    """

    key: str
    cluster: int
    confidence: float


def rank(
    evidence: Evidence, policy: str = "default", k: int = 10, seed: int = 0, scorer: Scorer | None = None
) -> list[Choice]:
    """At most k candidates that survive the filter, best first. Raises UnknownPolicy, ValueError, BadScorer."""
    if k < 0:
        raise ValueError(f"k must be 0 or more, not {k}")
    who = signals.survivors(evidence)
    scorer = scorer or load_scorer()
    return _choices(evidence, who, order(evidence, who, policy, seed, scorer)[:k], scorer)


def rank_by_opinion(
    evidence: Evidence, opinions: Mapping[str, float], k: int = 10, scorer: Scorer | None = None
) -> list[Choice]:
    """At most k survivors: clusters in the order of the best opinion of a member, one program each.

    opinions: by candidate key, such as a model's P("correct"); clusters without any come last, largest first.
    """
    who = signals.survivors(evidence)
    keys = [evidence.candidates[index].key for index in who]
    least = min(opinions.values(), default=0.0) - 1.0
    opinion = np.array([opinions.get(key, least) for key in keys], dtype=float)
    groups, weight = signals.classes(evidence, who), signals.weights(evidence, who)
    size = signals.summed(weight, groups)
    failing = signals.fault_share(evidence, who) >= 1.0
    score = best_of_groups(groups, opinion) + size / (1.0 + weight.sum()) * 1e-9 - failing * 1e9
    positions = by_group(groups, score, np.zeros(len(who)), signals.orders(evidence, who))
    return _choices(evidence, who, positions[:k], scorer or load_scorer())


def _choices(evidence: Evidence, who: Indexes, positions: Indexes, scorer: Scorer) -> list[Choice]:
    if not len(positions):
        return []
    chance, groups = scorer.probability(evidence, who), signals.classes(evidence, who)
    return [
        Choice(evidence.candidates[who[position]].key, int(groups[position]), float(chance[position]))
        for position in positions
    ]


def order(evidence: Evidence, who: Indexes, policy: str, seed: int, scorer: Scorer) -> Indexes:
    """Positions in `who`, the candidates in question, best first, all of them. Raises UnknownPolicy."""
    if policy not in POLICIES:
        raise UnknownPolicy(f"no selection policy {policy!r}; there are: {', '.join(POLICIES)}")
    if not len(who):
        return np.array([], dtype=np.intp)
    if policy == "default":
        return most_likely_to_hit(evidence, who, scorer.probability(evidence, who))
    return PUBLISHED[policy](evidence, who, seed)


def most_likely_to_hit(evidence: Evidence, who: Indexes, chance: Floats) -> Indexes:
    """Greedy maximisation of P(at least one right), which is submodular, so greedy is within 1 - 1/e of the best set
    (Nemhauser, Wolsey and Fisher, 1978).

    Candidates of one behaviour are right or wrong nearly always together: the second one of a cluster counts
    SECOND_FROM_CLUSTER of its chance, the third that squared. Within a cluster the likeliest comes first, then the
    earliest: how often a program was sampled says nothing more once its behaviour is known (docs/selection.md). Where
    no example has dropped anybody, those after the first count their cluster's share of the samples too: chances that
    rest on agreement favour lone variants of the first behaviour, which are wrong where it is wrong.
    """
    groups, first = signals.classes(evidence, who), signals.orders(evidence, who)
    best, earliest = best_of_groups(groups, chance), -best_of_groups(groups, -first.astype(float))
    gain = chance * SECOND_FROM_CLUSTER ** _depth(groups, chance, first)
    if not is_filtered(evidence, who):
        likeliest = np.lexsort((first, earliest, -gain))[0]
        gain = gain * signals.summed(signals.weights(evidence, who), groups)
        gain[likeliest] = np.inf
    return np.lexsort((first, earliest, -best, -gain))


def _depth(groups: Indexes, chance: Floats, first: Indexes) -> Floats:
    """How many of its cluster come before each candidate."""
    depth = np.zeros(len(groups))
    seen: dict[int, int] = {}
    for position in np.lexsort((first, -chance)):
        depth[position] = seen.get(int(groups[position]), 0)
        seen[int(groups[position])] = int(depth[position]) + 1
    return depth
