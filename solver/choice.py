"""From the store's survivors to at most k submissions; when nothing passes, to the best guesses.

Reads only the settled samples, so the same record always gives the same answer.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from heapq import nsmallest

import numpy as np

from clustering import Behaved, Cluster, cluster
from clustering.evidence import Evidence
from clustering.policies import BadScorer, Choice, Scorer, load_scorer, rank, rank_by_opinion
from sandbox import Verdict
from solver.config import RunConfig
from solver.errors import UserError
from solver.judging import stored_scores
from solver.run_evidence import run_evidence
from solver.store import Store

OPINION_POLICIES = ("judge", "tournament")
"""Clusters in the order of what the model thinks of their representatives; those it was not asked about come last."""

_NEARNESS = {Verdict.WA: 0, Verdict.TLE: 1, Verdict.MLE: 2, Verdict.OLE: 3, Verdict.RTE: 4, Verdict.IE: 5}


@dataclass(frozen=True, slots=True)
class Submission:
    """A chosen program. cluster_size counts samples; cluster is None for a guess that passes no filter."""

    rank: int
    program: str
    passes_examples: bool
    examples_passed: int
    cluster: int | None
    cluster_size: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Answer:
    submissions: list[Submission]
    clusters: list[Cluster]


def scorer_of(config: RunConfig) -> Scorer:
    """Where P(correct) comes from in this run. Raises UserError."""
    try:
        return load_scorer(config.scorer)
    except BadScorer as error:
        raise UserError(f"--scorer: {error}") from None


def choose(store: Store, settled: int, k: int, policy: str, seed: int, scorer: Scorer | None = None) -> Answer:
    """settled: how many samples, in arrival order, count. scorer: the one that comes along when None."""
    clusters = cluster(survivors(store, settled))
    store.set_clusters({member.key: group.index for group in clusters for member in group.members})
    if not clusters:
        return Answer(_best_guesses(store, settled, k), [])
    examples = sum(run_input.kind == "example" for run_input in store.inputs())
    cluster_of = {member.key: group for group in clusters for member in group.members}
    evidence = choice_evidence(store, settled)
    submissions = [
        Submission(
            rank=place,
            program=choice.key,
            passes_examples=True,
            examples_passed=examples,
            cluster=cluster_of[choice.key].index,
            cluster_size=cluster_of[choice.key].weight,
            confidence=choice.confidence,
        )
        for place, choice in enumerate(_ranked(store, evidence, k, policy, seed, scorer), start=1)
    ]
    return Answer(submissions, clusters)


def choice_evidence(
    store: Store, settled: int, problem: str = "", statement: str = "", *, everyone: bool = False
) -> Evidence:
    """What the choice is made from: only survivors pass, those that were run on every generated input.

    everyone: whether programs that fail an example are listed too; the choice does not depend on it.
    """
    evidence = run_evidence(store, problem, settled, statement, everyone=everyone)
    complete = {survivor.key for survivor in survivors(store, settled)}
    passes = np.array([candidate.key in complete for candidate in evidence.candidates], dtype=bool)
    return dataclasses.replace(evidence, passes=passes)


def _ranked(store: Store, evidence: Evidence, k: int, policy: str, seed: int, scorer: Scorer | None) -> list[Choice]:
    if policy in OPINION_POLICIES:
        return rank_by_opinion(evidence, stored_scores(store, policy), k, scorer)
    return rank(evidence, policy, k, seed, scorer)


def survivors(store: Store, settled: int) -> list[Behaved]:
    """Programs that are AC on every example and have been run on every generated input."""
    inputs = [i for i in store.inputs() if i.kind in ("example", "generated")]
    examples = [i.id for i in inputs if i.kind == "example"]
    rows = store.query(
        "SELECT p.key, min(s.idx), count(*) FROM sample_rows s JOIN programs p ON p.first_sample = s.program "
        "WHERE s.idx < ? AND s.program IN ("
        "  SELECT program FROM execution_rows WHERE input < ? GROUP BY program"
        "  HAVING count(*) = ? AND sum(verdict = 'AC' AND input < ?) = ?"
        ") GROUP BY s.program ORDER BY p.key",
        settled,
        len(inputs),
        len(inputs),
        len(examples),
        len(examples),
    )
    return [Behaved(key, order, weight, store.behaviour(key)) for key, order, weight in rows]


def _best_guesses(store: Store, settled: int, k: int) -> list[Submission]:
    """Most examples passed first, then the mildest fault, then the most samples, then the earliest."""
    rows = store.rows(
        "SELECT p.key, min(s.idx), count(*), ("
        "  SELECT count(*) FROM execution_rows e WHERE e.program = s.program AND e.verdict = 'AC'), ("
        "  SELECT max(verdict) FROM execution_rows e WHERE e.program = s.program AND e.verdict != 'AC')"
        " FROM sample_rows s JOIN programs p ON p.first_sample = s.program WHERE s.idx < ? GROUP BY s.program",
        settled,
    )
    guesses = (
        (-passed, _NEARNESS[Verdict(fault)], -weight, order, key)
        for key, order, weight, passed, fault in rows
        if fault is not None and Verdict(fault) in _NEARNESS
    )
    return [
        Submission(rank, key, False, -minus_passed, None, -minus_weight, 0.0)
        for rank, (minus_passed, _, minus_weight, _, key) in enumerate(nsmallest(k, guesses), start=1)
    ]
