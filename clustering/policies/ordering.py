"""From scores to an order for k submissions: different behaviours first, the best of each."""

from __future__ import annotations

import numpy as np

from clustering.policies.signals import Floats, Indexes


def by_score(score: Floats, order: Indexes) -> Indexes:
    """Positions, highest score first; ties by the earlier first sample."""
    return np.lexsort((order, -score))


def by_group(groups: Indexes, group_score: Floats, member_score: Floats, order: Indexes) -> Indexes:
    """Positions: one of each group, best groups first, then a second one of each, and so on (AlphaCode, arXiv
    2203.07814, section 4.6). group_score, member_score: per candidate. Within a group the best member comes first.
    """
    ranked = np.lexsort((order, -member_score))
    depth = np.zeros(len(groups), dtype=np.intp)
    seen: dict[int, int] = {}
    for position in ranked:
        depth[position] = seen.get(int(groups[position]), 0)
        seen[int(groups[position])] = depth[position] + 1
    first = np.full(int(groups.max()) + 1 if len(groups) else 0, np.iinfo(np.intp).max, dtype=np.intp)
    np.minimum.at(first, groups, order)
    return np.lexsort((order, first[groups], -group_score, depth))


def best_of_groups(groups: Indexes, score: Floats) -> Floats:
    """For each candidate the highest score in its group."""
    if not len(groups):
        return score
    best = np.full(int(groups.max()) + 1, -np.inf)
    np.maximum.at(best, groups, score)
    return np.asarray(best[groups])
