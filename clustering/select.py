"""From clusters to at most k submissions.

A policy is an order over all candidates; `select` takes the first k of it and attaches a confidence.
The confidence is an *uncalibrated* estimate: agreement among samples, not a measured frequency.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from math import log

from clustering.cluster import Behaved, Cluster

Policy = Callable[[Sequence[Cluster], int], Iterator[tuple[Cluster, Behaved]]]
"""(ranked clusters, seed) → every candidate once, best first."""


class UnknownPolicy(ValueError):
    """No selection policy has this name; the message lists those that exist."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One submission. cluster: the index of its cluster. confidence: see `select`."""

    key: str
    cluster: int
    confidence: float


def largest(clusters: Sequence[Cluster], seed: int) -> Iterator[tuple[Cluster, Behaved]]:
    """One program of each cluster, largest first, then a second one of each, and so on (AlphaCode,
    arXiv 2203.07814, section 4.6). A cluster is represented by its earliest program. Ignores the seed."""
    waiting, depth = list(clusters), 0
    while waiting:
        for group in waiting:
            yield group, group.members[depth]
        depth += 1
        waiting = [group for group in waiting if len(group.members) > depth]


def random(clusters: Sequence[Cluster], seed: int) -> Iterator[tuple[Cluster, Behaved]]:
    """Survivors at random without replacement, in proportion to the samples behind them: the baseline
    of choosing among filtered samples. The same seed and candidates give the same order.

    Exponential keys -ln(u)/weight (Efraimidis and Spirakis, 2006), with u hashed from seed and key.
    """
    everyone = [(group, member) for group in clusters for member in group.members]
    yield from sorted(everyone, key=lambda pair: (_exponential(seed, pair[1]), pair[1].key))


def _exponential(seed: int, member: Behaved) -> float:
    """An exponential variate with rate `weight` that depends on the seed and the key alone."""
    digest = blake2b(f"{seed}:{member.key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    uniform = ((int.from_bytes(digest, "big") >> 11) + 1) / 2**53
    return -log(uniform) / member.weight


POLICIES: dict[str, Policy] = {"largest": largest, "random": random}
"""Selection policies by name."""


def select(clusters: Sequence[Cluster], k: int, policy: str = "largest", seed: int = 0) -> list[Choice]:
    """At most `k` submissions, best first, no key twice; fewer when there are fewer candidates.

    `clusters` is what `cluster` returned. The confidence is in [0, 1): the share of all samples whose
    program behaves like this one, smoothed for the answer nobody has sampled, weight / (total + 1),
    and divided by r for the r-th choice from the same cluster, which is right mostly when the first
    one was. A cluster that fails on every generated input counts as a single sample while another
    does not fail. It is not calibrated: a large cluster may share one mistake.

    Raises UnknownPolicy for a name that is not in POLICIES and ValueError if k is negative.
    """
    if policy not in POLICIES:
        raise UnknownPolicy(f"no selection policy {policy!r}; there are: {', '.join(sorted(POLICIES))}")
    if k < 0:
        raise ValueError(f"k must be 0 or more, not {k}")
    total = sum(group.weight for group in clusters)
    all_fail = all(group.failing for group in clusters)
    chosen_from: Counter[int] = Counter()
    choices = []
    for group, member in islice(POLICIES[policy](clusters, seed), k):
        chosen_from[group.index] += 1
        weight = group.weight if all_fail or not group.failing else 1
        confidence = weight / (total + 1) / chosen_from[group.index]
        choices.append(Choice(key=member.key, cluster=group.index, confidence=confidence))
    return choices
