"""All figures of a benchmark run as plain data: `results.json`, whose fields docs/metrics.md tells.

One pass over the runs: each becomes a row of numbers, and its evidence is dropped. What changes with the machine's load
stands under `timing` and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from clustering.policies import Scorer
from eval.bench.problem_run import ProblemRun
from eval.intervals import RESAMPLES, Bootstrap, Floats, Interval, as_table
from eval.metrics.by_model import solved_per_million
from eval.metrics.calibrated import calibration
from eval.metrics.draws import DRAWS
from eval.metrics.false_positives import Rejudged
from eval.metrics.groups import groups
from eval.metrics.passk import pass_at_k
from eval.metrics.rounding import rounded
from eval.metrics.rows import ProblemRow, plain, row_of
from eval.metrics.scaling import fit_coverage, fit_log_linear
from solver.choice import scorer_of
from solver.config import RunConfig

FORMAT = "codesieve-metrics/1"


def default_ns(samples: int) -> tuple[int, ...]:
    """1, 2, 4, … and `samples` itself."""
    return tuple(sorted({2**power for power in range(samples.bit_length()) if 2**power <= samples} | {samples}))


def summarise(
    runs: Iterable[ProblemRun],
    ks: Sequence[int],
    ns: Sequence[int] | None = None,
    seed: int = 0,
    *,
    draws: int = DRAWS,
    resamples: int = RESAMPLES,
    extra: Mapping[str, Rejudged] | None = None,
    scorer: Scorer | None = None,
) -> dict[str, Any]:
    """ks: numbers of submissions. ns: numbers of samples, by default 1, 2, 4, … of the first run's configuration.

    draws: subsets of samples a problem and n. resamples: of the problems, for intervals. extra: by problem, accepted
    submissions on extra tests. scorer: instead of each run's own. Raises ValueError for numbers below 1 or a record
    that contradicts itself, UserError for a scorer that cannot be read.
    """
    ks, ns = _ascending("ks", ks), None if ns is None else _ascending("ns", ns)
    rows: list[ProblemRow] = []
    for run in runs:
        if ns is None:
            ns = default_ns(run.config.samples)
        told = (extra or {}).get(run.name)
        rows.append(row_of(run, scorer or _scorer(run.config.scorer), ns, ks, draws=draws, seed=seed, extra=told))
    return figures(rows, ks, ns or (), draws, Bootstrap(len(rows), seed, resamples))


@lru_cache(maxsize=4)
def _scorer(path: Path | None) -> Scorer:
    return scorer_of(RunConfig(scorer=path))


def figures(
    rows: Sequence[ProblemRow], ks: Sequence[int], ns: Sequence[int], draws: int, bootstrap: Bootstrap
) -> dict[str, Any]:
    """From one row a problem."""
    found = {
        "format": FORMAT,
        "seed": bootstrap.seed,
        "draws": draws,
        "resamples": bootstrap.resamples,
        "ks": list(ks),
        "ns": list(ns),
        "problems": len(rows),
        "samples": sum(row.samples for row in rows),
        "policies": _count(row.policy for row in rows),
        "stop_reasons": _count(row.stop_reason for row in rows),
        "checks": _checks(rows),
        "solved": solved(rows, ks, bootstrap),
        "losses": losses(rows, ks, bootstrap),
        **_curves(rows, ks, ns, bootstrap),
        "filter": _filter(rows, bootstrap),
        "duplicates": bootstrap.ratio(
            [row.with_program - row.programs for row in rows], [row.with_program for row in rows]
        ),
        "funnel": _funnel(rows, max(ks)),
        "extraction": _mixed(row.extraction for row in rows),
        "example_verdicts": _mixed(row.example_mix for row in rows),
        "final_verdicts": _mixed(row.final_mix for row in rows),
        "calibration": {
            "survivors": calibration([row.survivors_reliability for row in rows], bootstrap),
            "submissions": calibration([row.submissions_reliability for row in rows], bootstrap),
        },
        "doubtful": _doubtful(rows, ks, bootstrap),
        "false_positives": _false_positives(rows, ks, bootstrap),
        "groups": groups(rows, ks, bootstrap),
        "by_model": solved_per_million((row.spent for row in rows), ks),
        "cost": {
            name: _cost([getattr(row, name) for row in rows], rows, max(ks), bootstrap)
            for name in ("prompt_tokens", "completion_tokens", "executions")
        },
        "timing": {
            name: _cost([getattr(row, name) for row in rows], rows, max(ks), bootstrap)
            for name in ("model_seconds", "sandbox_cpu_seconds")
        },
        "per_problem": [plain(row, ks) for row in rows],
    }
    plain_data: dict[str, Any] = rounded(found)
    return plain_data


def solved(rows: Sequence[ProblemRow], ks: Sequence[int], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """Share of problems solved by what the runs submitted."""
    table = as_table([[row.solved(k) for k in ks] for row in rows], len(ks))
    counts = table.sum(axis=0)
    return [
        {"k": k, "problems": int(count), **one}
        for k, count, one in zip(ks, counts, bootstrap.shares(table), strict=True)
    ]


def losses(rows: Sequence[ProblemRow], ks: Sequence[int], bootstrap: Bootstrap) -> dict[str, Any]:
    """Coverage, less what the filter loses, less what the choice loses, is what is solved: each is counted for itself
    and the sum is checked. Counts and shares of problems. Raises ValueError where the sum does not hold."""
    lost_in_filter = [row.covered and not row.survives for row in rows]
    covered, filtered = sum(row.covered for row in rows), sum(lost_in_filter)
    by_k = []
    for k in ks:
        lost = [row.survives and not row.solved(k) for row in rows]
        count, chosen = sum(row.solved(k) for row in rows), sum(lost)
        if covered - filtered - chosen != count:
            raise ValueError(f"losses at k = {k} do not add up: {covered} - {filtered} - {chosen} is not {count}")
        by_k.append({"k": k, "selection_lost": chosen, "solved": count, "selection_loss": bootstrap.share(lost)})
    return {
        "covered": covered,
        "filter_lost": filtered,
        "coverage": bootstrap.share([row.covered for row in rows]),
        "filter_loss": bootstrap.share(lost_in_filter),
        "by_k": by_k,
    }


def _curves(rows: Sequence[ProblemRow], ks: Sequence[int], ns: Sequence[int], bootstrap: Bootstrap) -> dict[str, Any]:
    passing = _pass_table(rows, ks)
    coverage = _pass_table(rows, ns)
    drawn = {k: as_table([[row.solved_from[n][k] for n in ns] for row in rows], len(ns)) for k in ks}
    return {
        "pass_at_k": [
            {"k": k, "short": _short(rows, k), **one} for k, one in zip(ks, bootstrap.shares(passing), strict=True)
        ],
        "coverage": [
            {"n": n, "short": _short(rows, n), **one} for n, one in zip(ns, bootstrap.shares(coverage), strict=True)
        ],
        "n_at_k": [
            {"n": n, "k": k, "short": _short(rows, n), "exact": sum(n in row.exact for row in rows), **one}
            for k in ks
            for n, one in zip(ns, bootstrap.shares(drawn[k]), strict=True)
        ],
        "scaling": {
            "coverage": fit_coverage(ns, coverage, bootstrap.seed),
            "solved": [{"k": k, "fit": fit_log_linear(ns, drawn[k], bootstrap.seed)} for k in ks],
        },
    }


def _pass_table(rows: Sequence[ProblemRow], numbers: Sequence[int]) -> Floats:
    return as_table(
        [[pass_at_k(row.samples, row.right, n) if row.samples else 0.0 for n in numbers] for row in rows], len(numbers)
    )


def _short(rows: Sequence[ProblemRow], n: int) -> int:
    """Problems with fewer samples than n: what they have is all that counts."""
    return sum(row.samples < n for row in rows)


def _filter(rows: Sequence[ProblemRow], bootstrap: Bootstrap) -> dict[str, Any]:
    programs = [row.with_program for row in rows]
    return {
        "rate": bootstrap.ratio([row.with_program - row.passing for row in rows], programs),
        "nothing_left": bootstrap.share([row.passing == 0 for row in rows]),
        "right_of_passing": bootstrap.ratio([row.right for row in rows], [row.passing for row in rows]),
    }


def _funnel(rows: Sequence[ProblemRow], k: int) -> dict[str, int]:
    """Totals of all problems. right: submissions; solved: problems, with at most k submissions."""
    return {
        "samples": sum(row.samples for row in rows),
        "with_program": sum(row.with_program for row in rows),
        "unique": sum(row.programs for row in rows),
        "compiled": sum(row.compiled_programs for row in rows),
        "passing": sum(row.passing_programs for row in rows),
        "clusters": sum(row.clusters for row in rows),
        "submitted": sum(row.submissions for row in rows),
        "right": sum(row.right_submissions for row in rows),
        "solved": sum(row.solved(k) for row in rows),
    }


def _checks(rows: Sequence[ProblemRow]) -> dict[str, Any]:
    """What should be looked at before a figure is believed."""
    again = [row.chooses_the_same for row in rows if row.chooses_the_same is not None]
    return {
        "chosen_again": {"same": sum(again), "of": len(again)},
        "internal_errors": sum(row.internal_errors for row in rows),
        "passing_not_judged": sum(row.passing_not_judged for row in rows),
        "scorer_was_trained_on": sum(row.scorer_was_trained_on_it for row in rows),
    }


def _doubtful(rows: Sequence[ProblemRow], ks: Sequence[int], bootstrap: Bootstrap) -> dict[str, Any]:
    sure = [row for row in rows if not row.doubtful]
    return {
        "problems": len(rows) - len(sure),
        "solved_of_the_others": solved(sure, ks, bootstrap.of(len(sure))),
    }


def _false_positives(rows: Sequence[ProblemRow], ks: Sequence[int], bootstrap: Bootstrap) -> dict[str, Any] | None:
    """Share of accepted submissions that fail an extra test; None when none were made. strictly_solved: share of all
    problems solved when extra tests count too, where there are any."""
    if all(row.extra is None for row in rows):
        return None
    told = [row.extra for row in rows]
    strict = as_table([[row.solved_strictly(k) for k in ks] for row in rows], len(ks))
    return {
        "problems": sum(one is not None and one.checked > 0 for one in told),
        "tests": sum(0 if one is None else one.tests for one in told),
        "checked": sum(0 if one is None else one.checked for one in told),
        "failed": sum(0 if one is None else one.failed for one in told),
        "rate": bootstrap.ratio(
            [0 if one is None else one.failed for one in told], [0 if one is None else one.checked for one in told]
        ),
        "verdicts": _mixed(_count(one.verdicts.values()) for one in told if one is not None),
        "why_none": _count(one.why for one in told if one is not None and one.why),
        "strictly_solved": [{"k": k, **one} for k, one in zip(ks, bootstrap.shares(strict), strict=True)],
    }


def _cost(values: Sequence[float], rows: Sequence[ProblemRow], k: int, bootstrap: Bootstrap) -> dict[str, Any]:
    """a_solved_problem: everything that was spent, over the problems solved with k submissions; None without any."""
    a_solved: Interval | None = bootstrap.ratio(values, [row.solved(k) for row in rows])
    return {"total": sum(values), "a_problem": bootstrap.mean(values), "a_solved_problem": a_solved}


def _count(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _mixed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))


def _ascending(name: str, numbers: Sequence[int]) -> tuple[int, ...]:
    found = tuple(sorted(set(numbers)))
    if not found or found[0] < 1:
        raise ValueError(f"{name}: numbers from 1 are needed, not {list(numbers)}")
    return found
