"""Candidates as numbers that mean the same on every problem: what the scorer learns from.

Shares instead of counts, ranks within the problem instead of raw scores, so that a scorer trained on 100 samples of one
model carries over to 10,000 of another. Nothing here knows the problem's name, text or tests.
"""

from __future__ import annotations

import numpy as np

from clustering.evidence import Evidence
from clustering.policies import signals
from clustering.policies.ordering import best_of_groups
from clustering.policies.signals import Floats, Indexes

NAMES = (
    "cluster_share",
    "cluster_root",
    "agreement",
    "relative_agreement",
    "codet",
    "codet_clusters",
    "logprob",
    "plans",
)

GROUPS: dict[str, tuple[str, ...]] = {
    "clusters": ("cluster_share", "cluster_root"),
    "agreement": ("agreement", "relative_agreement"),
    "tests": ("codet", "codet_clusters"),
    "model": ("logprob", "plans"),
}
"""Features by the signal they come from, for ablations."""


def features(evidence: Evidence, who: Indexes) -> Floats:
    """Shape (len(who), len(NAMES)). A signal that the evidence does not have is 0, its neutral value, for all."""
    columns = {
        **_clusters(evidence, who),
        **_agreement(evidence, who),
        **_model_tests(evidence, who),
        **_model(evidence, who),
    }
    return np.column_stack([columns[name] for name in NAMES]) if len(who) else np.zeros((0, len(NAMES)))


def is_filtered(evidence: Evidence, who: Indexes) -> bool:
    """Whether the examples have dropped anybody: shares among survivors of a filter mean more than among all."""
    return len(who) < len(evidence.candidates) + evidence.unlisted and bool(evidence.passes.any())


def _clusters(evidence: Evidence, who: Indexes) -> dict[str, Floats]:
    groups, weight = signals.classes(evidence, who), signals.weights(evidence, who)
    size = np.bincount(groups, weights=weight)
    share = size / size.sum()
    return {
        "cluster_share": share[groups],
        "cluster_root": np.sqrt(share)[groups],
    }


def _agreement(evidence: Evidence, who: Indexes) -> dict[str, Floats]:
    plain = signals.agreement(evidence, who)
    return {
        "agreement": plain,
        "relative_agreement": _of_best(plain),
    }


def _model_tests(evidence: Evidence, who: Indexes) -> dict[str, Floats]:
    """Without tests CodeT works on outputs, and so do these."""
    groups = signals.classes(evidence, who)
    passed = signals.tests_passed(evidence, who)
    rate = signals.agreement(evidence, who) if passed is None else passed
    size = signals.summed(signals.weights(evidence, who), groups)
    return {
        "codet": _of_best(signals.codet(evidence, who)),
        "codet_clusters": best_of_groups(groups, _of_best(np.sqrt(size) * rate)),
    }


def _model(evidence: Evidence, who: Indexes) -> dict[str, Floats]:
    logprob = signals.logprob(evidence, who)
    every_plan = evidence.unlisted_plans.union(*(candidate.plans for candidate in evidence.candidates))
    diversity = signals.plan_diversity(evidence, who)
    return {
        "logprob": best_of_groups(signals.classes(evidence, who), logprob - logprob.max(initial=-np.inf)),
        "plans": diversity / len(every_plan) if len(every_plan) > 1 else np.zeros(len(who)),
    }


def _of_best(values: Floats) -> Floats:
    top = values.max() if len(values) else 0.0
    return np.asarray(values / top) if top > 0 else values
