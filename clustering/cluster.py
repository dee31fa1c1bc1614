"""Programs into classes of equal behaviour (AlphaCode, arXiv 2203.07814, section 4.6).

Classes are exact and found by hashing, so the work is linear in programs × inputs. A missing
observation (None, our own internal error) is a value of its own: two programs share a cluster only
if they were observed on the same inputs and agree there. Treating it as "equals anything" would not
be transitive, and could merge programs that were seen to differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from clustering.behaviour import Behaviour, fails_everywhere, has_output


@dataclass(frozen=True, slots=True)
class Behaved:
    """A surviving program and what it did.

    key: unique name of the program (its digest, say). order: index of the first sample that gave this
    program. weight: number of samples that did, duplicates included (≥ 1).
    """

    key: str
    order: int
    weight: int
    behaviour: Behaviour


@dataclass(frozen=True, slots=True)
class Cluster:
    """Programs of one behaviour. index: its rank, from 0. members: by first sample, earliest first.
    weight: samples behind all members."""

    index: int
    members: tuple[Behaved, ...]
    weight: int
    behaviour: Behaviour

    @property
    def keys(self) -> tuple[str, ...]:
        """The members' keys, earliest first."""
        return tuple(member.key for member in self.members)

    @property
    def failing(self) -> bool:
        """The members failed (crash, time-out, …) on every generated input that was observed."""
        return fails_everywhere(self.behaviour)

    @property
    def has_output(self) -> bool:
        """The members gave an output on at least one generated input."""
        return has_output(self.behaviour)


def cluster(candidates: Iterable[Behaved]) -> list[Cluster]:
    """Exact classes of equal behaviour, ranked: clusters that fail on every input last, then heaviest
    first, then by the earliest sample. The result does not depend on the order of `candidates`.

    Raises ValueError if a key occurs twice, a weight is below 1, or behaviours differ in length.
    """
    classes: defaultdict[Behaviour, list[Behaved]] = defaultdict(list)
    keys: set[str] = set()
    length: int | None = None
    for candidate in candidates:
        if candidate.key in keys:
            raise ValueError(f"candidate {candidate.key!r} is given twice")
        if candidate.weight < 1:
            raise ValueError(f"candidate {candidate.key!r} has weight {candidate.weight}, not at least 1")
        if length is None:
            length = len(candidate.behaviour)
        if (seen := len(candidate.behaviour)) != length:
            raise ValueError(f"candidate {candidate.key!r} has {seen} observations, others have {length}")
        keys.add(candidate.key)
        classes[candidate.behaviour].append(candidate)

    groups = [tuple(sorted(members, key=_by_first_sample)) for members in classes.values()]
    weighed = [(fails_everywhere(g[0].behaviour), -sum(m.weight for m in g), g) for g in groups]
    weighed.sort(key=lambda entry: (entry[0], entry[1], _by_first_sample(entry[2][0])))
    return [
        Cluster(index=index, members=members, weight=-negative_weight, behaviour=members[0].behaviour)
        for index, (_, negative_weight, members) in enumerate(weighed)
    ]


def _by_first_sample(candidate: Behaved) -> tuple[int, str]:
    return candidate.order, candidate.key
