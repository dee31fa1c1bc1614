"""Benchmark runs against each other, on the problems they share: paired differences, and which problems flipped.

The first run is the base; every difference is another run's figure less the base's, on the same problems and the same
resamples. Not covered: a correction for looking at many differences; with twenty of them one interval will leave out 0
by chance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.intervals import RESAMPLES, Bootstrap, as_table
from eval.metrics.passk import pass_at_k
from eval.metrics.rounding import rounded
from solver.errors import UserError

FORMAT = "codesieve-comparison/1"
COSTS = ("completion_tokens", "executions")

Row = Mapping[str, Any]


def compare(results: Mapping[str, Mapping[str, Any]], seed: int = 0, *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """results: by name of a run what `summarise` gave, the base first; at least two. Plain data.

    Raises UserError where there is nothing to compare.
    """
    if len(results) < 2:
        raise UserError("a comparison needs at least two runs")
    (base_name, base), *others = results.items()
    found: dict[str, Any] = rounded(
        {
            "format": FORMAT,
            "base": base_name,
            "seed": seed,
            "comparisons": [
                _against(base_name, base, name, other, Bootstrap(0, seed, resamples)) for name, other in others
            ],
        }
    )
    return found


def _against(
    base_name: str, base: Mapping[str, Any], name: str, other: Mapping[str, Any], draws: Bootstrap
) -> dict[str, Any]:
    a, b = _by_name(base), _by_name(other)
    shared = [problem for problem in a if problem in b]
    if not shared:
        raise UserError(f"{base_name} and {name} share no problem")
    pairs = [(a[problem], b[problem]) for problem in shared]
    bootstrap = draws.of(len(pairs))
    ks = [k for k in base["ks"] if k in other["ks"]]
    ns = [n for n in base["ns"] if n in other["ns"]]
    return {
        "run": name,
        "problems": len(shared),
        "only_in_base": [problem for problem in a if problem not in b],
        "only_in_run": [problem for problem in b if problem not in a],
        "solved": [_solved(k, pairs, bootstrap) for k in ks],
        "coverage": _difference([(x["covered"], y["covered"]) for x, y in pairs], bootstrap),
        "pass_at_k": [
            {"k": k, **_difference([(_pass_at(x, k), _pass_at(y, k)) for x, y in pairs], bootstrap)} for k in ks
        ],
        "n_at_k": [
            {"n": n, "k": k, **_difference([(_from(x, n, k), _from(y, n, k)) for x, y in pairs], bootstrap)}
            for k in ks
            for n in ns
        ],
        "cost": {cost: bootstrap.ratio([y[cost] for _, y in pairs], [x[cost] for x, _ in pairs]) for cost in COSTS},
        "unlike": _unlike(pairs),
    }


def _by_name(results: Mapping[str, Any]) -> dict[str, Row]:
    return {row["problem"]: row for row in results["per_problem"]}


def _solved(k: int, pairs: Sequence[tuple[Row, Row]], bootstrap: Bootstrap) -> dict[str, Any]:
    key = str(k)
    won = [x["problem"] for x, y in pairs if y["solved"][key] and not x["solved"][key]]
    lost = [x["problem"] for x, y in pairs if x["solved"][key] and not y["solved"][key]]
    return {
        "k": k,
        **_difference([(x["solved"][key], y["solved"][key]) for x, y in pairs], bootstrap),
        "p_value": sign_test(len(won), len(lost)),
        "won": won,
        "lost": lost,
    }


def sign_test(won: int, lost: int) -> float:
    """Exact two-sided McNemar test: the chance of so uneven a split, or a more uneven one, of the flipped problems
    were both directions alike (McNemar, 1947; exact by the binomial distribution)."""
    from scipy.stats import binomtest

    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def _difference(values: Sequence[tuple[float, float]], bootstrap: Bootstrap) -> dict[str, Any]:
    """Means over problems of both, and of the second less the first with its paired interval."""
    table = as_table(values, 2)
    base, run = table.mean(axis=0)
    return {"base": float(base), "run": float(run), "difference": bootstrap.mean(table[:, 1] - table[:, 0])}


def _pass_at(row: Row, k: int) -> float:
    return pass_at_k(row["samples"], row["right"], k) if row["samples"] else 0.0


def _from(row: Row, n: int, k: int) -> float:
    return float(row["solved_from"][str(n)][str(k)])


def _unlike(pairs: Sequence[tuple[Row, Row]]) -> list[str]:
    """What makes a comparison unfair, a sentence each."""
    found = []
    if tests := sum(x["hidden_tests"] != y["hidden_tests"] for x, y in pairs):
        found.append(f"{tests} problems were judged on different numbers of hidden tests")
    if unjudged := sum(x["passing_not_judged"] > 0 or y["passing_not_judged"] > 0 for x, y in pairs):
        found.append(f"on {unjudged} problems some passing programs are not judged")
    if errors := sum(x["internal_errors"] > 0 or y["internal_errors"] > 0 for x, y in pairs):
        found.append(f"on {errors} problems the sandbox or a checker failed for some programs")
    return found
