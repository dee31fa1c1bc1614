"""A program that is only just too slow gets more tries; the least of its CPU times counts.

CPU time does not count what other processes use, but it grows when they share caches, memory and cores with the
program: by a tenth or two on a busy machine, and never the other way. So the least of a few measurements is
the best one, and repeating a run cannot turn a slow program into a fast one. To tell "just too slow" from "much
too slow" a program is ended at OVERRUN times its limit. Not covered: a program whose memory traffic is slowed down
beyond OVERRUN by others gets TLE.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sandbox.types import Limits, Outcome, Verdict

OVERRUN = 1.25
MORE_TRIES = 3


def is_near_miss(outcome: Outcome, limits: Limits) -> bool:
    """Whether the program took more than its CPU limit, but less than OVERRUN times it."""
    within = limits.cpu_seconds < outcome.cpu_seconds <= limits.cpu_seconds * OVERRUN
    return outcome.verdict is Verdict.TLE and within


async def least_cpu_time(first: Outcome, limits: Limits, run: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """After a near miss: the outcome of the least CPU time, it and up to MORE_TRIES further runs included."""
    best = first
    for _ in range(MORE_TRIES):
        if not is_near_miss(best, limits):
            break
        again = await run()
        if again.verdict is not Verdict.IE and again.cpu_seconds < best.cpu_seconds:
            best = again
    return best
