"""CPU time under load only grows: a near miss is tried again, and nothing else is."""

from __future__ import annotations

import pytest

from sandbox import Limits, Outcome, Verdict
from sandbox.near_miss import MORE_TRIES, OVERRUN, least_cpu_time

LIMITS = Limits(cpu_seconds=1.0)


class Runs:
    """Gives CPU times one after the other, judged against LIMITS."""

    def __init__(self, *times: float) -> None:
        self.left = list(times)

    async def __call__(self) -> Outcome:
        seconds = self.left.pop(0)
        return Outcome(Verdict.OK if seconds <= LIMITS.cpu_seconds else Verdict.TLE, cpu_seconds=seconds)


@pytest.mark.parametrize(
    ("times", "verdict", "tries"),
    [
        ([0.9], Verdict.OK, 1),
        ([1.0], Verdict.OK, 1),
        ([OVERRUN + 0.01], Verdict.TLE, 1),
        ([1.1, 0.95], Verdict.OK, 2),
        ([OVERRUN, OVERRUN, OVERRUN, 1.0], Verdict.OK, 4),
        ([1.1] * (1 + MORE_TRIES), Verdict.TLE, 1 + MORE_TRIES),
        ([1.1, OVERRUN + 0.01, OVERRUN + 0.01, 0.99], Verdict.OK, 4),
    ],
)
async def test_only_a_near_miss_is_tried_again(times: list[float], verdict: Verdict, tries: int) -> None:
    runs = Runs(*times, *[0.5] * 9)
    assert (await least_cpu_time(await runs(), LIMITS, runs)).verdict is verdict
    assert len(times) + 9 - len(runs.left) == tries


async def test_of_several_near_misses_the_quickest_is_told() -> None:
    runs = Runs(1.2, 1.1, 1.15, 1.12)
    assert (await least_cpu_time(await runs(), LIMITS, runs)).cpu_seconds == 1.1


async def test_a_sleeper_that_met_the_wall_is_not_tried_again() -> None:
    outcomes = [Outcome(Verdict.TLE, cpu_seconds=0.01), Outcome(Verdict.OK)]

    async def run() -> Outcome:
        return outcomes.pop(0)

    assert (await least_cpu_time(await run(), LIMITS, run)).verdict is Verdict.TLE


async def test_an_internal_error_does_not_replace_a_near_miss() -> None:
    outcomes = [Outcome(Verdict.TLE, cpu_seconds=1.1), Outcome(Verdict.IE), Outcome(Verdict.OK, cpu_seconds=0.9)]

    async def run() -> Outcome:
        return outcomes.pop(0)

    assert (await least_cpu_time(await run(), LIMITS, run)).verdict is Verdict.OK
