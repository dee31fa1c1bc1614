"""n@k by subsampling: what k submissions chosen from n of a problem's samples would have been worth.

AlphaCode (arXiv 2203.07814, Algorithm 1 in the appendix): draw n of the N samples without replacement, choose among
them as the run would have, see whether one of the first k is right, repeat. The choice is made again on executions
that are already recorded. Three things are taken from the whole run because the record of a smaller one does not exist:
the generated inputs, a program's prompt plans and its best log-probability.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from clustering.evidence import Evidence
from clustering.policies import Scorer, order, rank_by_opinion, survivors
from clustering.policies.signals import classes
from eval.bench.problem_run import ProblemRun
from solver.choice import OPINION_POLICIES

DRAWS = 100
"""A problem and n; all subsets instead where there are no more of them."""

Indexes = NDArray[np.intp]
NEVER = np.iinfo(np.intp).max
"""Instead of a rank: no submission is right."""


@dataclass(frozen=True, slots=True)
class Chooser:
    """The run's own way to choose. opinions: candidate key → score, for policies that ask the model."""

    policy: str
    seed: int
    scorer: Scorer
    opinions: dict[str, float]

    def rows(self, evidence: Evidence, k: int, draw: int = 0) -> Indexes:
        """At most k rows of survivors, best first; empty when nobody passes the examples, since what fails an example
        is not right. draw: added to the seed, for policies that choose at random."""
        if not evidence.passes.any():
            return np.array([], dtype=np.intp)
        if self.policy in OPINION_POLICIES:
            row_of = {candidate.key: row for row, candidate in enumerate(evidence.candidates)}
            chosen = rank_by_opinion(evidence, self.opinions, k, self.scorer)
            return np.array([row_of[choice.key] for choice in chosen], dtype=np.intp)
        who = survivors(evidence)
        return who[order(evidence, who, self.policy, self.seed + draw, self.scorer)[:k]]


def chooser(run: ProblemRun, scorer: Scorer) -> Chooser:
    """The model was asked about one program of a cluster; what it said counts for all of them, so that it is not lost
    when that program is not drawn."""
    opinions: dict[str, float] = {}
    if run.config.policy in OPINION_POLICIES:
        said = {row["program"]: float(row[run.config.policy]) for row in run.report.get("opinions", ())}
        who = np.flatnonzero(run.evidence.passes)
        groups = classes(run.evidence, who)
        keys = [run.evidence.candidates[int(row)].key for row in who]
        of_group = {int(group): said[key] for key, group in zip(keys, groups, strict=True) if key in said}
        opinions = {k: of_group[int(g)] for k, g in zip(keys, groups, strict=True) if int(g) in of_group}
    return Chooser(run.config.policy, run.config.seed, scorer, opinions)


def restrict(evidence: Evidence, programs: Indexes) -> tuple[Evidence, Indexes]:
    """The evidence as if only these samples had been drawn, and the row in `evidence` of each candidate that is left.

    programs: per drawn sample, in arrival order, its candidate's row or -1. The problem's name is left out, as in a
    run: a scorer that was trained on the problem is not told so.
    """
    places = np.flatnonzero(programs >= 0)
    found, first, weight = np.unique(programs[places], return_index=True, return_counts=True)
    arrival = np.argsort(first, kind="stable")
    kept = found[arrival]
    facts = [
        replace(evidence.candidates[int(row)], order=int(places[at]), weight=int(count))
        for row, at, count in zip(kept, first[arrival], weight[arrival], strict=True)
    ]
    return replace(
        evidence,
        problem="",
        candidates=facts,
        passes=evidence.passes[kept],
        example_share=evidence.example_share[kept],
        outcomes=evidence.outcomes[kept],
        tests=None if evidence.tests is None else evidence.tests[kept],
        cpu_seconds=None if evidence.cpu_seconds is None else evidence.cpu_seconds[kept],
    ), kept


@dataclass(frozen=True, slots=True)
class Subsampled:
    """solved[n][k]: share of draws of n samples with a right program among k submissions. exact: the n for which every
    subset was tried, or all samples were taken."""

    solved: dict[int, dict[int, float]]
    exact: frozenset[int]


def n_at_k(
    run: ProblemRun, choose: Chooser, ns: Sequence[int], ks: Sequence[int], *, draws: int = DRAWS, seed: int = 0
) -> Subsampled:
    """For n of at least the number of samples (the run may have ended early by its own rule) all of them count, and
    the answer is what the run submitted, for k that it was asked for."""
    total = len(run.sample_program)
    solved: dict[int, dict[int, float]] = {}
    exact = set()
    orders = list(_permutations(run, draws, seed)) if _worth_drawing(run) else []
    for n in ns:
        if n >= total or not _worth_drawing(run):
            exact.add(n)
            solved[n] = _as_run(run, choose, ks) if n >= total else dict.fromkeys(ks, 0.0)
            continue
        subsets: Iterator[Indexes] | list[Indexes]
        if comb(total, n) <= draws:
            exact.add(n)
            subsets = [np.array(chosen, dtype=np.intp) for chosen in combinations(range(total), n)]
        else:
            subsets = [np.sort(permutation[:n]) for permutation in orders]
        ranks = [first_right(run, choose, subset, ks, number) for number, subset in enumerate(subsets)]
        solved[n] = {k: float(np.mean([rank <= k for rank in ranks])) for k in ks}
    return Subsampled(solved, frozenset(exact))


def first_right(run: ProblemRun, choose: Chooser, drawn: Indexes, ks: Sequence[int], draw: int = 0) -> int:
    """The rank, from 1, of the first right submission among max(ks) chosen from the drawn samples; NEVER without one.

    Where every choice gives the same answer for all `ks`, none is made.
    """
    programs = run.sample_program[drawn]
    here = np.unique(programs[programs >= 0])
    passing = here[run.evidence.passes[here]]
    right = run.right[passing]
    if not right.any():
        return int(NEVER)
    if right.all() or len(passing) <= min(ks):
        return 1
    evidence, kept = restrict(run.evidence, programs)
    hits = np.flatnonzero(run.right[kept[choose.rows(evidence, max(ks), draw)]])
    return int(hits[0]) + 1 if len(hits) else int(NEVER)


def _worth_drawing(run: ProblemRun) -> bool:
    return bool((run.right & run.evidence.passes).any())


def _as_run(run: ProblemRun, choose: Chooser, ks: Sequence[int]) -> dict[int, float]:
    rank = submitted_rank(run)
    beyond = [k for k in ks if k > run.config.submissions]
    if beyond and rank > run.config.submissions and _worth_drawing(run):
        again = first_right(run, choose, np.arange(len(run.sample_program)), beyond)
        return {k: float((again if k in beyond else rank) <= k) for k in ks}
    return {k: float(rank <= k) for k in ks}


def submitted_rank(run: ProblemRun) -> int:
    """The rank, from 1, of the first right submission; NEVER without one."""
    return min((one.rank for one in run.submissions if run.right[one.row]), default=int(NEVER))


def _permutations(run: ProblemRun, draws: int, seed: int) -> Iterator[Indexes]:
    """One a draw; its first n samples are the draw for n, so that neighbouring n differ by little but n. They depend on
    the seed and the problem's name, not on the other problems."""
    digest = blake2b(f"{seed}:{run.name}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    rng = np.random.default_rng(int.from_bytes(digest, "big"))
    for _ in range(draws):
        yield rng.permutation(len(run.sample_program))


def chooses_the_same(run: ProblemRun, choose: Chooser) -> bool | None:
    """Whether choosing again from all samples gives what the run submitted; None where nothing passes the examples
    (then the run submitted guesses)."""
    if not run.evidence.passes.any():
        return None
    evidence, kept = restrict(run.evidence, run.sample_program)
    rows = kept[choose.rows(evidence, run.config.submissions)]
    return [int(row) for row in rows] == [one.row for one in run.submissions]
