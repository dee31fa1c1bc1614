"""What a submission's directory in a Kattis package promises, and whether a verdict keeps the promise."""

from __future__ import annotations

from sandbox import Verdict

_FAILURES = frozenset((Verdict.WA, Verdict.TLE, Verdict.RTE, Verdict.MLE, Verdict.OLE))

# Kattis has no verdict for memory: a program that runs out of it counts as one that crashed.
ALLOWED: dict[str, frozenset[Verdict]] = {
    "accepted": frozenset((Verdict.AC,)),
    "partially_accepted": frozenset((Verdict.AC,)),
    "slow_accepted": frozenset((Verdict.AC, Verdict.TLE)),
    "wrong_answer": frozenset((Verdict.WA,)),
    "time_limit_exceeded": frozenset((Verdict.TLE,)),
    "run_time_error": frozenset((Verdict.RTE, Verdict.MLE)),
    "memory_limit_exceeded": frozenset((Verdict.MLE, Verdict.RTE)),
    "output_limit_exceeded": frozenset((Verdict.OLE,)),
    "compile_error": frozenset((Verdict.CE,)),
    "compiler_error": frozenset((Verdict.CE,)),
    "brute_force": frozenset((Verdict.TLE, Verdict.RTE, Verdict.MLE)),
    "rejected": _FAILURES,
}


def agrees(expected: str | None, verdicts: set[Verdict], *, full_score: bool = True) -> bool | None:
    """Whether one of the verdicts (at the time limit, and with the safety margin) is what `expected` promises.

    None when nothing is promised: no directory, or one of no known meaning. full_score: whether the best score was
    reached, which `partially_accepted` must not.
    """
    if expected not in ALLOWED:
        return None
    if expected == "partially_accepted" and full_score:
        return False
    return not verdicts.isdisjoint(ALLOWED[expected])
