"""The stop rule: whether enough survivors behave alike to stop sampling."""

from __future__ import annotations

from collections.abc import Mapping

from clustering.behaviour import Behaviour, has_output

DECISIVE_LEAD = 2
"""The leading behaviour must outweigh the next one by this factor."""


def enough_agreement(weights: Mapping[Behaviour, int], needed: int) -> bool:
    """weights: number of samples per behaviour. True when `needed` samples (at least 1) share a behaviour and
    no other behaviour, failing ones included, has more than half as many.

    Programs that crash alike, or that were never observed, do not agree on an answer.
    """
    leader = max((behaviour for behaviour in weights if has_output(behaviour)), key=weights.__getitem__, default=None)
    if leader is None or weights[leader] < max(needed, 1):
        return False
    rivals = (weight for behaviour, weight in weights.items() if behaviour != leader)
    return weights[leader] >= DECISIVE_LEAD * max(rivals, default=0)
