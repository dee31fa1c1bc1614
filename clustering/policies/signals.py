"""What the evidence says about each candidate, one number a candidate and signal: the raw material of all policies.

Every function takes an `Evidence` and the indexes of the candidates in question, and returns an array with one entry
per index, in their order. Weights are samples: a program that was sampled three times counts three times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustering.evidence import FIRST_OUTPUT, Evidence

Indexes = NDArray[np.intp]
Floats = NDArray[np.float64]


def survivors(evidence: Evidence) -> Indexes:
    """Who passes the examples; when nobody does, those who pass most of them."""
    if len(evidence.candidates) == 0:
        return np.array([], dtype=np.intp)
    if evidence.passes.any():
        return np.flatnonzero(evidence.passes)
    return np.flatnonzero(evidence.example_share >= evidence.example_share.max())


def weights(evidence: Evidence, who: Indexes) -> Floats:
    """Samples behind each candidate."""
    return np.array([evidence.candidates[index].weight for index in who], dtype=float)


def orders(evidence: Evidence, who: Indexes) -> Indexes:
    """The index of each candidate's first sample."""
    return np.array([evidence.candidates[index].order for index in who], dtype=np.intp)


def classes(evidence: Evidence, who: Indexes) -> Indexes:
    """Exact behaviour classes, numbered from 0 in the order of their earliest candidate in `who`."""
    if evidence.outcomes.shape[1] == 0:
        return np.zeros(len(who), dtype=np.intp)
    numbers: dict[bytes, int] = {}
    rows = np.ascontiguousarray(evidence.outcomes[who])
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows], dtype=np.intp)


def summed(values: Floats, groups: Indexes) -> Floats:
    """For each candidate the sum over its group."""
    return np.asarray(np.bincount(groups, weights=values)[groups] if len(groups) else values)


def fault_share(evidence: Evidence, who: Indexes) -> Floats:
    """Share of the inputs on which a candidate crashed, was too slow or took too much."""
    rows = evidence.outcomes[who]
    if rows.shape[1] == 0:
        return np.zeros(len(who))
    return np.asarray(((rows >= 0) & (rows < FIRST_OUTPUT)).mean(axis=1))


def agreement(evidence: Evidence, who: Indexes) -> Floats:
    """MBR-exec's score: the weighted share of samples that give the same output, averaged over inputs; a fault
    agrees with nothing (Shi et al., arXiv 2204.11454, section 3.2, with 0/1 loss on outputs).
    """
    rows, weight = evidence.outcomes[who], weights(evidence, who)
    width = rows.shape[1]
    if width == 0 or len(who) == 0:
        return np.zeros(len(who))
    score = np.zeros(len(who))
    for column in range(width):
        values = rows[:, column]
        output = values >= FIRST_OUTPUT
        if not output.any():
            continue
        mass = np.bincount(values[output], weights=weight[output])
        score[output] += mass[values[output]]
    return np.asarray(score / (width * weight.sum()))


def tests_passed(evidence: Evidence, who: Indexes) -> Floats | None:
    """How many model-written tests a candidate passes, each counted as often as it was written; None without tests."""
    if evidence.tests is None or evidence.tests.shape[1] == 0:
        return None
    copies = np.array([test.copies for test in evidence.test_facts], dtype=float)
    return np.asarray((evidence.tests[who] == 1) @ copies)


def consensus_sets(evidence: Evidence, who: Indexes) -> Indexes:
    """Candidates that pass the same model-written tests are in one group (CodeT's consensus sets)."""
    numbers: dict[bytes, int] = {}
    assert evidence.tests is not None
    rows = np.ascontiguousarray(evidence.tests[who])
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in rows], dtype=np.intp)


def codet(evidence: Evidence, who: Indexes) -> Floats:
    """Dual execution agreement: sqrt(samples in the consensus set) · tests passed (CodeT, arXiv 2207.10397, section
    2.2; the square root is that of its released code). Without model-written tests every output seen on a generated
    input is taken as a test written by the samples that gave it: then it is sqrt(cluster) · agreement.
    """
    passed = tests_passed(evidence, who)
    weight = weights(evidence, who)
    if passed is None:
        return np.sqrt(summed(weight, classes(evidence, who))) * agreement(evidence, who)
    return np.sqrt(summed(weight, consensus_sets(evidence, who))) * passed


def worth_of_tests(evidence: Evidence, who: Indexes, rounds: int = 3) -> Floats:
    """ACES (arXiv 2604.03922): a test is worth how well it ranks programs as the other tests do, by the area under
    the ROC curve of leaving it out, 2·AUC - 1, at least 0. Starts from equal worth and repeats `rounds` times.
    """
    assert evidence.tests is not None
    passed = (evidence.tests[who] == 1).astype(float)
    copies = np.array([test.copies for test in evidence.test_facts], dtype=float)
    weight = weights(evidence, who)
    worth = copies.copy()
    for _ in range(rounds):
        total = passed @ worth
        worth = copies * np.array(
            [_auc_gain(passed[:, t], total - passed[:, t] * worth[t], weight) for t in range(passed.shape[1])]
        )
        if worth.sum() <= 0:
            return copies
    return worth


def _auc_gain(passes: Floats, score: Floats, weight: Floats) -> float:
    """2·AUC - 1 of `score` for telling who passes from who fails, weighted; 0 when nobody or everybody passes."""
    good, bad = weight * passes, weight * (1 - passes)
    if good.sum() == 0 or bad.sum() == 0:
        return 0.0
    order = np.argsort(score, kind="stable")
    _, starts = np.unique(score[order], return_index=True)
    good_at = np.add.reduceat(good[order], starts)
    bad_at = np.add.reduceat(bad[order], starts)
    below = np.concatenate([[0.0], np.cumsum(bad_at)[:-1]])
    auc = float((good_at * (below + bad_at / 2)).sum() / (good.sum() * bad.sum()))
    return max(0.0, 2 * auc - 1)


def aces(evidence: Evidence, who: Indexes) -> Floats:
    """The worth of the tests passed (see `worth_of_tests`); without model-written tests, agreement."""
    if evidence.tests is None or evidence.tests.shape[1] == 0:
        return agreement(evidence, who)
    return np.asarray((evidence.tests[who] == 1) @ worth_of_tests(evidence, who))


def logprob(evidence: Evidence, who: Indexes) -> Floats:
    """Mean log-probability a token; candidates of which it is not known get the least that is known."""
    known = [evidence.candidates[index].mean_logprob for index in who]
    least = min((value for value in known if value is not None), default=0.0)
    return np.array([least if value is None else value for value in known], dtype=float)


def plan_diversity(evidence: Evidence, who: Indexes) -> Floats:
    """How many prompt plans led to a candidate's behaviour (PlanSearch, arXiv 2409.03733: diversity of ideas)."""
    groups = classes(evidence, who)
    behind: dict[int, set[str]] = {}
    for index, group in zip(who, groups, strict=True):
        behind.setdefault(int(group), set()).update(evidence.candidates[index].plans)
    return np.array([len(behind[int(group)]) for group in groups], dtype=float)
