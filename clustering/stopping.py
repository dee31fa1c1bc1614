"""Whether more samples are likely to change the answer, from the behaviours of the survivors so far.

Two things can change it. Another behaviour may overtake the leading one: each rival's chance is that of being the more
frequent of the two, with a uniform prior over their shares (Adaptive-Consistency, arXiv 2305.11860, section 3, there
with one rival). And, when there is more than one submission, a behaviour that nobody has shown yet may be the right
one: the chance that the next survivor shows a new one is Good and Turing's, the share of behaviours seen once (Good,
1953). Sampling may stop when both are small. Not covered: whether the leading behaviour is right, or the budget.

Adding a survivor takes time in proportion to the number of different cluster sizes, not of clusters.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache

from clustering.behaviour import Behaviour, has_output

LEAST_LEADER = 12
"""Samples that must behave alike before anything is concluded."""
MOST_OVERTAKEN = 0.05
MOST_UNSEEN = 0.05
_EXACT = 64


class Race:
    """The survivors' behaviours, in the order of arrival."""

    def __init__(self, submissions: int) -> None:
        """submissions: how many programs will be submitted, at least 1."""
        self._submissions = submissions
        self._sizes: Counter[Behaviour] = Counter()
        self._times: Counter[int] = Counter()
        self._lead = 0
        self._survivors = 0

    def add(self, behaviour: Behaviour) -> None:
        """One more sample that survived."""
        size = self._sizes[behaviour]
        self._sizes[behaviour] = size + 1
        self._times[size + 1] += 1
        if size:
            self._times[size] -= 1
            if not self._times[size]:
                del self._times[size]  # or every estimate would go through all sizes there ever were
        self._survivors += 1
        if has_output(behaviour):
            self._lead = max(self._lead, size + 1)

    @property
    def overtaken(self) -> float:
        """An upper bound (a sum over rivals) of the chance that some other behaviour, failing ones included, is more
        frequent than the leading one that gives outputs; 1 while there is none."""
        if not self._lead:
            return 1.0
        chance = sum(
            (times - (size == self._lead)) * more_frequent(size, self._lead) for size, times in self._times.items()
        )
        return min(1.0, chance)

    @property
    def unseen(self) -> float:
        """The chance that the next survivor behaves like none before, (seen once + 1/2) / (survivors + 1).

        The additions keep it above 0 where every behaviour was seen twice.
        """
        return (self._times[1] + 0.5) / (self._survivors + 1)

    @property
    def settled(self) -> bool:
        """Whether sampling may stop."""
        if self._lead < LEAST_LEADER or (self._submissions > 1 and self.unseen > MOST_UNSEEN):
            return False
        return self.overtaken <= MOST_OVERTAKEN


@lru_cache(maxsize=4096)
def more_frequent(rival: int, leader: int) -> float:
    """P(the behaviour seen `rival` times is more frequent than the one seen `leader` times), by a uniform prior.

    It is the tail of a fair coin: at least leader + 1 heads in rival + leader + 1 throws (Beta and binomial
    distribution are dual). Exact for up to 64 throws, normal approximation above.
    """
    throws = rival + leader + 1
    if throws <= _EXACT:
        heads = sum(math.comb(throws, count) for count in range(leader + 1, throws + 1))
        return float(heads / 2**throws)
    return math.erfc((leader + 0.5 - throws / 2) / math.sqrt(throws / 2)) / 2
