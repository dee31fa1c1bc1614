"""From the results of a group's members to the group's: what Kattis calls the default grader."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox import Verdict

# The worst first: among several failures the group's verdict is the leftmost of these.
_WORST = (Verdict.IE, Verdict.CE, Verdict.RTE, Verdict.MLE, Verdict.TLE, Verdict.OLE, Verdict.WA, Verdict.AC)
_VERDICT_FLAGS = ("worst_error", "no_errors", "first_error", "always_accept", "accept_if_any_accepted", "ignore_sample")
_SCORE_FLAGS = ("sum", "avg", "min", "max")
FLAGS = frozenset((*_VERDICT_FLAGS, *_SCORE_FLAGS))


def grade(results: Sequence[tuple[Verdict, float]], flags: Sequence[str]) -> tuple[Verdict, float]:
    """Verdict and score of a group whose members ended with these, in order.

    flags: `first_error` or `worst_error` (default) or `always_accept`; `sum` (default), `avg`, `min` or `max` of the
    scores; `accept_if_any_accepted`; `ignore_sample` (top group only: the last member counts alone).
    """
    if any(verdict is Verdict.IE for verdict, _ in results):
        return Verdict.IE, 0.0
    if "ignore_sample" in flags:
        results = results[-1:]
    if not results:
        return Verdict.AC, 0.0
    verdicts = [verdict for verdict, _ in results]
    scores = [score for _, score in results]
    return _verdict(verdicts, flags), _score(scores, flags)


def _verdict(verdicts: list[Verdict], flags: Sequence[str]) -> Verdict:
    if "always_accept" in flags or ("accept_if_any_accepted" in flags and Verdict.AC in verdicts):
        return Verdict.AC
    if "first_error" in flags:
        return next((verdict for verdict in verdicts if verdict is not Verdict.AC), Verdict.AC)
    return min(verdicts, key=_WORST.index)


def _score(scores: list[float], flags: Sequence[str]) -> float:
    if "min" in flags:
        return min(scores)
    if "max" in flags:
        return max(scores)
    return sum(scores) / len(scores) if "avg" in flags else sum(scores)
