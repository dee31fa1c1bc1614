"""Which problem's requests go first: those that still have everything to find."""

from __future__ import annotations

from clustering.stopping import LEAST_LEADER
from solver.progress import Counts

NOTHING_PASSES, SOMETHING_PASSES, SOON_SETTLED = range(3)


def need(counts: Counts) -> int:
    """The lower, the more a problem needs samples.

    One that may soon meet its stop rule comes last: while others are sampled, its samples on the way are judged, and
    often no more are wanted.
    """
    if not counts.passing:
        return NOTHING_PASSES
    return SOON_SETTLED if counts.passing >= LEAST_LEADER // 2 else SOMETHING_PASSES
