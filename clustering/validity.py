"""How far an input can be trusted, and what it is worth: from the evidence alone.

An input that breaks the problem's rules makes programs crash that are right on every legal one, so the programs that
pass the examples vote on it. Not covered: an illegal input on which they all print something.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering.evidence import FAULT_IDS, FIRST_OUTPUT, MISSING, Evidence
from sandbox.types import Verdict

SLOW_SUSPICION = 0.5
"""What a time-out or a memory limit says against an input, as a share of a crash: large legal inputs cause them too."""
PRIOR_VOTES = 1.0
"""Votes for an input before any program has run on it."""


def consensus_validity(evidence: Evidence) -> NDArray[np.float64]:
    """Belief, 0 to 1, that each input obeys the rules; shape (inputs,).

    Candidates that pass the examples vote, each with the logarithm of its samples and with the share of inputs on which
    it does not fail: a program that fails everywhere says nothing about an input. Half of the votes against it halve
    the input's own validity, all of them take it to (nearly) 0. Where no candidate passes, all vote.
    """
    prior = np.array([facts.validity for facts in evidence.inputs], dtype=np.float64)
    voters = evidence.passes if evidence.passes.any() else np.ones(len(evidence.candidates), dtype=np.bool_)
    outcomes = evidence.outcomes[voters]
    if not outcomes.size:
        return prior
    observed = outcomes != MISSING
    fault = np.zeros(outcomes.shape)
    fault[observed & (outcomes < FIRST_OUTPUT)] = 1.0
    for slow in (Verdict.TLE, Verdict.MLE):
        fault[outcomes == FAULT_IDS[slow]] = SLOW_SUSPICION
    reliability = 1 - (fault.sum(axis=1) + 0.5) / (observed.sum(axis=1) + 1)
    samples = np.array([c.weight for c, votes in zip(evidence.candidates, voters, strict=True) if votes])
    votes = (reliability * np.log2(1 + samples))[:, None] * observed
    against: NDArray[np.float64] = (votes * fault).sum(axis=0) / (votes.sum(axis=0) + PRIOR_VOTES)
    return prior * (1 - against)


@dataclass(frozen=True, slots=True)
class InputWorth:
    """What one input tells.

    validity: see `consensus_validity`. entropy: of the partition of the samples that pass by what their programs do
    on it, in bits. classes: parts of that partition. alone: bits that no other input of the problem gives.
    """

    text: str
    origin: str
    validity: float
    entropy: float
    classes: int
    alone: float

    @property
    def worth(self) -> float:
        """Bits it splits, believed as far as it is valid."""
        return self.entropy * self.validity


def input_worths(evidence: Evidence) -> list[InputWorth]:
    """One entry an input, in their order. Work is linear in programs × inputs, logarithms aside."""
    validity = consensus_validity(evidence)
    passing = evidence.outcomes[evidence.passes]
    weights = np.array([c.weight for c, yes in zip(evidence.candidates, evidence.passes, strict=True) if yes], float)
    hashes = _hashes(passing)
    rows = hashes.sum(axis=1, dtype=np.uint64)
    whole = _entropy(_classes(rows), weights)
    found = []
    for column, facts in enumerate(evidence.inputs):
        classes = _classes(hashes[:, column])
        rest = _entropy(_classes(rows - hashes[:, column]), weights)
        found.append(
            InputWorth(
                text=facts.text,
                origin=facts.origin,
                validity=float(validity[column]),
                entropy=_entropy(classes, weights),
                classes=int(classes.max(initial=-1)) + 1,
                alone=max(0.0, whole - rest),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class OriginWorth:
    """Inputs of one origin, means over them. splitting: share of them that tell at least two programs apart."""

    origin: str
    inputs: int
    validity: float
    entropy: float
    worth: float
    alone: float
    splitting: float


def worth_by_origin(worths: Sequence[InputWorth]) -> list[OriginWorth]:
    """Most worth first; the inputs may be those of many problems."""
    groups: defaultdict[str, list[InputWorth]] = defaultdict(list)
    for item in worths:
        groups[item.origin].append(item)
    table = [
        OriginWorth(
            origin=origin,
            inputs=len(group),
            validity=float(np.mean([item.validity for item in group])),
            entropy=float(np.mean([item.entropy for item in group])),
            worth=float(np.mean([item.worth for item in group])),
            alone=float(np.mean([item.alone for item in group])),
            splitting=float(np.mean([item.classes > 1 for item in group])),
        )
        for origin, group in groups.items()
    ]
    return sorted(table, key=lambda row: (-row.worth, row.origin))


def _hashes(outcomes: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Each cell mixed with its column (splitmix64, Steele et al. 2014); rows are equal when their sums are, but for
    accidents of probability 2^-64."""
    columns = np.arange(outcomes.shape[1], dtype=np.uint64) << np.uint64(32)
    mixed = (outcomes.astype(np.int64).astype(np.uint64) + columns) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashes: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return hashes


def _classes(values: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Per entry, the number of its class of equal ones, from 0."""
    return np.unique(values, return_inverse=True)[1].reshape(-1)


def _entropy(classes: NDArray[np.intp], weights: NDArray[np.float64]) -> float:
    """Of the weight in the classes, in bits; 0 when there is none."""
    if not len(classes):
        return 0.0
    shares = np.bincount(classes, weights) / weights.sum()
    shares = shares[shares > 0]
    return float(max(0.0, -(shares * np.log2(shares)).sum()))
