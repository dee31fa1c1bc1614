"""The published ways to choose, each usable alone. A policy orders the candidates in question, best first."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import numpy as np

from clustering.evidence import Evidence
from clustering.merging import merge
from clustering.policies import signals
from clustering.policies.ordering import best_of_groups, by_group, by_score
from clustering.policies.signals import Floats, Indexes

Policy = Callable[[Evidence, Indexes, int], Indexes]
"""(evidence, candidates in question, seed) → positions in `who`, best first, all of them."""


def random(evidence: Evidence, who: Indexes, seed: int) -> Indexes:
    """At random without replacement, in proportion to the samples behind a program: what filtering alone is worth.

    Exponential keys -ln(u)/weight (Efraimidis and Spirakis, 2006), with u hashed from seed and key.
    """
    keys = [evidence.candidates[index].key for index in who]
    drawn = -np.log(np.array([_uniform(seed, key) for key in keys])) / signals.weights(evidence, who)
    return by_score(-drawn, signals.orders(evidence, who))


def _uniform(seed: int, key: str) -> float:
    digest = blake2b(f"{seed}:{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return ((int.from_bytes(digest, "big") >> 11) + 1) / 2**53


def largest(evidence: Evidence, who: Indexes, seed: int) -> Indexes:
    """Largest behaviour cluster first, one program each, the earliest (AlphaCode, arXiv 2203.07814, section 4.6)."""
    groups, order = signals.classes(evidence, who), signals.orders(evidence, who)
    size = signals.summed(signals.weights(evidence, who), groups)
    return by_group(groups, _failing_last(evidence, who, size), np.zeros(len(who)), order)


def merged(evidence: Evidence, who: Indexes, seed: int) -> Indexes:
    """Largest group of behaviours that back the same answers first (`clustering.merging`: float noise, presentation,
    time-outs, several right answers); within a group the largest exact behaviour, one program each."""
    exact = signals.classes(evidence, who)
    weight, order = signals.weights(evidence, who), signals.orders(evidence, who)
    groups = np.asarray(merge(evidence, who).groups)
    backing = _failing_last(evidence, who, signals.summed(weight, groups))
    size = signals.summed(weight, exact)
    return by_group(exact, backing + size / (1.0 + weight.sum()), np.zeros(len(who)), order)


def mbr(evidence: Evidence, who: Indexes, seed: int) -> Indexes:
    """Most agreement on outputs first (MBR-exec), one program of each behaviour."""
    return _clustered(evidence, who, signals.agreement(evidence, who))


def codet(evidence: Evidence, who: Indexes, seed: int) -> Indexes:
    """CodeT's consensus sets by score; one program of each set."""
    score = signals.codet(evidence, who)
    if signals.tests_passed(evidence, who) is None:
        return _clustered(evidence, who, score)
    groups = signals.consensus_sets(evidence, who)
    return by_group(groups, score, np.zeros(len(who)), signals.orders(evidence, who))


def codet_clusters(evidence: Evidence, who: Indexes, seed: int) -> Indexes:
    """CodeT's score on output clusters, sqrt(samples that behave alike) · tests passed; ties by MBR's agreement."""
    groups = signals.classes(evidence, who)
    passed = signals.tests_passed(evidence, who)
    agreement = signals.agreement(evidence, who)
    rate = agreement if passed is None else passed + 1e-6 * agreement
    score = np.sqrt(signals.summed(signals.weights(evidence, who), groups)) * rate
    return by_group(groups, best_of_groups(groups, score), score, signals.orders(evidence, who))


def aces(evidence: Evidence, who: Indexes, seed: int) -> Indexes:
    """Tests weighted by leave-one-out AUC (ACES), ties by agreement; one program of each behaviour."""
    score = signals.aces(evidence, who)
    return _clustered(evidence, who, score + 1e-6 * signals.agreement(evidence, who))


def logprob(evidence: Evidence, who: Indexes, seed: int) -> Indexes:
    """The model's own confidence: highest mean log-probability a token first."""
    return by_score(signals.logprob(evidence, who), signals.orders(evidence, who))


def plans(evidence: Evidence, who: Indexes, seed: int) -> Indexes:
    """Behaviours that most different prompt plans led to first; ties by cluster size."""
    groups = signals.classes(evidence, who)
    size = signals.summed(signals.weights(evidence, who), groups)
    return _clustered(evidence, who, signals.plan_diversity(evidence, who) + size / (1 + size.sum()))


def _clustered(evidence: Evidence, who: Indexes, score: Floats) -> Indexes:
    groups = signals.classes(evidence, who)
    return by_group(groups, best_of_groups(groups, score), score, signals.orders(evidence, who))


def _failing_last(evidence: Evidence, who: Indexes, score: Floats) -> Floats:
    """Clusters that fail on every input come after all others."""
    failing = signals.fault_share(evidence, who) >= 1.0
    return score - failing * (1.0 + (score.max() if len(score) else 0.0))


PUBLISHED: dict[str, Policy] = {
    "random": random,
    "largest": largest,
    "merged": merged,
    "mbr": mbr,
    "codet": codet,
    "codet-clusters": codet_clusters,
    "aces": aces,
    "logprob": logprob,
    "plans": plans,
}
