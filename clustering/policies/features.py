"""Candidates as numbers that mean the same on every problem: what the scorer learns from.

Shares instead of counts, ranks within the problem instead of raw scores, so that a scorer trained on 100 samples of one
model carries over to 10,000 of another. Nothing here knows the problem's name, text or tests.
"""

from __future__ import annotations

import numpy as np

from clustering.evidence import FIRST_OUTPUT, Evidence
from clustering.policies import signals
from clustering.policies.ordering import best_of_groups
from clustering.policies.signals import Floats, Indexes

NAMES = (
    "cluster_share",
    "cluster_lead",
    "agreement",
    "agreement_lead",
    "valid_agreement",
    "fault_share",
    "program_share",
    "clusters",
    "survival",
    "survivors",
    "constant",
    "codet",
    "aces",
    "tests_passed",
    "logprob",
    "plans",
    "length",
    "slowness",
)

GROUPS: dict[str, tuple[str, ...]] = {
    "clusters": ("cluster_share", "cluster_lead", "clusters", "program_share"),
    "agreement": ("agreement", "agreement_lead", "valid_agreement"),
    "faults": ("fault_share", "constant", "slowness"),
    "filter": ("survival", "survivors"),
    "model tests": ("codet", "aces", "tests_passed"),
    "model": ("logprob", "plans"),
    "text": ("length",),
}
"""Features by the signal they come from, for ablations."""


def features(evidence: Evidence, who: Indexes) -> Floats:
    """Shape (len(who), len(NAMES)). A signal that the evidence does not have is 0, its neutral value, for all."""
    columns = {
        **_clusters(evidence, who),
        **_agreement(evidence, who),
        **_filter(evidence, who),
        **_model_tests(evidence, who),
        **_program(evidence, who),
    }
    return np.column_stack([columns[name] for name in NAMES]) if len(who) else np.zeros((0, len(NAMES)))


def _clusters(evidence: Evidence, who: Indexes) -> dict[str, Floats]:
    groups, weight = signals.classes(evidence, who), signals.weights(evidence, who)
    size = np.bincount(groups, weights=weight)
    share = size / size.sum()
    return {
        "cluster_share": share[groups],
        "cluster_lead": _lead(share)[groups],
        "clusters": np.full(len(who), np.log1p(len(size)) / np.log1p(weight.sum())),
        "program_share": np.sqrt(weight / weight.sum()),
    }


def _agreement(evidence: Evidence, who: Indexes) -> dict[str, Floats]:
    groups = signals.classes(evidence, who)
    plain = signals.agreement(evidence, who)
    _, first = np.unique(groups, return_index=True)
    lead = _lead(plain[first])
    return {
        "agreement": plain,
        "agreement_lead": lead[groups],
        "valid_agreement": signals.agreement(evidence, who, signals.validity(evidence, who)),
        "fault_share": signals.fault_share(evidence, who),
        "constant": _constant(evidence, who),
    }


def _filter(evidence: Evidence, who: Indexes) -> dict[str, Floats]:
    """The example filter says something only where there are examples; without them everybody survives."""
    everybody = np.arange(len(evidence.candidates))
    all_samples = signals.weights(evidence, everybody).sum()
    share = signals.weights(evidence, who).sum() / all_samples
    filtered = share < 1.0
    return {
        "survival": np.full(len(who), share if filtered else 0.0),
        "survivors": np.full(len(who), float(filtered and evidence.passes.any())),
    }


def _model_tests(evidence: Evidence, who: Indexes) -> dict[str, Floats]:
    passed = signals.tests_passed(evidence, who)
    if passed is None:
        nothing = np.zeros(len(who))
        return {"codet": nothing, "aces": nothing, "tests_passed": nothing}
    copies = sum(test.copies for test in evidence.test_facts)
    return {
        "codet": _of_best(signals.codet(evidence, who)),
        "aces": _of_best(signals.aces(evidence, who)),
        "tests_passed": passed / copies,
    }


def _program(evidence: Evidence, who: Indexes) -> dict[str, Floats]:
    lengths = np.log([max(1, len(evidence.candidates[index].source)) for index in who])
    logprob = signals.logprob(evidence, who)
    groups = signals.classes(evidence, who)
    every_plan = {plan for candidate in evidence.candidates for plan in candidate.plans}
    diversity = signals.plan_diversity(evidence, who) / len(every_plan) if len(every_plan) > 1 else np.zeros(len(who))
    cpu = np.zeros(len(who)) if evidence.cpu_seconds is None else np.nan_to_num(evidence.cpu_seconds[who])
    return {
        "logprob": best_of_groups(groups, logprob - logprob.max()) if len(who) else logprob,
        "plans": diversity,
        "length": np.abs(lengths - np.median(lengths)) if len(who) else np.zeros(0),
        "slowness": np.log10(np.maximum(cpu, 1e-3) / max(1e-3, float(np.median(cpu)) if len(who) else 1.0)),
    }


def _constant(evidence: Evidence, who: Indexes) -> Floats:
    """How uniform a candidate's outputs are, where the inputs' own outputs are not: 1 for one output everywhere.

    Needs the outputs' texts; 0 without.
    """
    result = np.zeros(len(who))
    if not evidence.outputs or evidence.outcomes.shape[1] < 2:
        return result
    for position, index in enumerate(who):
        row = evidence.outcomes[index]
        said = [evidence.outputs[c].get(int(v)) for c, v in enumerate(row) if v >= FIRST_OUTPUT]
        if len(said) > 1:
            result[position] = 1.0 - (len(set(said)) - 1) / (len(said) - 1)
    return result


def _lead(values: Floats) -> Floats:
    """How far each value is above the best of the others (below it: negative)."""
    if len(values) < 2:
        return np.asarray(values)
    top, second = np.sort(values)[::-1][:2]
    return np.asarray(np.where(values >= top, values - second, values - top))


def _of_best(values: Floats) -> Floats:
    top = values.max() if len(values) else 0.0
    return np.asarray(values / top) if top > 0 else values
