"""What the page says of a whole run, from results.json alone: rows of tables, and plots. No HTML but our own SVG.

The meaning of each figure is told in docs/metrics.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eval.report import charts
from eval.report.texts import visible
from solver.errors import UserError

if TYPE_CHECKING:
    from markupsafe import Markup

FORMAT = "codesieve-metrics/1"
_GROUPS_SHOWN = 40
_CURVES = 3
_BANDS = 2  # more than two bands cover each other
_FUNNEL = {
    "samples": "samples",
    "unique": "unique programs",
    "compiled": "that compile",
    "passing": "pass the examples",
    "clusters": "clusters",
    "submitted": "submitted",
    "right": "right",
}
_EXTRACTIONS_TOLD = "ok"


@dataclass(frozen=True, slots=True)
class Interval:
    """A share, or a number, with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, plain: Mapping[str, float] | None) -> Interval | None:
        return None if plain is None else cls(plain["value"], plain["low"], plain["high"])


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the headline table: a share, and what it means."""

    name: str
    share: Interval
    meaning: str


@dataclass(frozen=True, slots=True)
class Cost:
    name: str
    total: float
    a_problem: Interval
    a_solved: Interval | None


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A part of the data set."""

    name: str
    problems: int
    solved: Interval
    coverage: Interval
    pass_at_1: Interval


@dataclass(frozen=True, slots=True)
class Chart:
    """svg: safe markup. caption: what to see. columns, rows: the same as a table of texts."""

    svg: Markup
    title: str
    caption: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """k: the largest number of submissions, that of the tiles and of the tables by group."""

    problems: int
    samples: int
    k: int
    solved: Interval
    solved_problems: int
    coverage: Interval
    pass_at_1: Interval | None
    tokens_a_solved: Interval | None
    rows: list[Row]
    charts: list[Chart]
    beyond: list[tuple[int, Interval]]
    costs: list[Cost]
    groups: list[tuple[str, list[GroupRow], int]]
    extraction: list[tuple[str, int]]
    stop_reasons: list[tuple[str, int]]
    policies: list[str]
    warnings: list[str]
    false_positives: Mapping[str, Any] | None
    false_positive_rate: Interval | None


def figures(results: Mapping[str, Any]) -> Figures:
    """Raises UserError for results of another version, KeyError for damaged ones."""
    if results.get("format") != FORMAT:
        raise UserError(f"the figures are of another version ({results.get('format')}); make them again")
    best = results["solved"][-1]
    wrong = results["false_positives"]
    passes = {one["k"]: one for one in results["pass_at_k"]}
    return Figures(
        problems=results["problems"],
        samples=results["samples"],
        k=best["k"],
        solved=_interval(best),
        solved_problems=best["problems"],
        coverage=_interval(results["losses"]["coverage"]),
        pass_at_1=Interval.of(passes.get(1)),
        tokens_a_solved=Interval.of(results["cost"]["completion_tokens"]["a_solved_problem"]),
        rows=_rows(results),
        charts=_charts(results),
        beyond=_beyond(results),
        costs=_costs(results),
        groups=_groups(results, best["k"]),
        extraction=_counts(results["extraction"]),
        stop_reasons=_counts(results["stop_reasons"]),
        policies=[visible(name)[:60] for name in results["policies"]],
        warnings=_warnings(results, best["k"]),
        false_positives=wrong,
        false_positive_rate=None if wrong is None else Interval.of(wrong["rate"]),
    )


def percent(share: float) -> str:
    """`12.5 %`."""
    return f"{100 * share:.1f} %"


def _interval(plain: Mapping[str, float]) -> Interval:
    return Interval(plain["value"], plain["low"], plain["high"])


def _rows(results: Mapping[str, Any]) -> list[Row]:
    lost, sieve, n = results["losses"], results["filter"], max(results["ns"], default=0)
    rows = [
        Row(
            f"solved with {_submissions(one['k'])}",
            _interval(one),
            f"{one['problems']} of {results['problems']} problems",
        )
        for one in results["solved"]
    ]
    rows += [
        Row(f"pass@{one['k']}", _interval(one), _drawn(one["k"]) + _short(one["short"])) for one in results["pass_at_k"]
    ]
    rows += [
        Row("coverage", _interval(lost["coverage"]), f"some sample is right (of at most {n:,} a problem)"),
        Row("lost by the filter", _interval(lost["filter_loss"]), "a right sample, but none got past the examples"),
    ]
    rows += [
        Row(
            f"lost in the choice of {one['k']}",
            _interval(one["selection_loss"]),
            "a right program passes, not submitted",
        )
        for one in lost["by_k"]
    ]
    rows.append(Row("no program passes the examples", _interval(sieve["nothing_left"]), "problems"))
    for name, plain, meaning in (
        ("filtered out", sieve["rate"], "of samples with a program fail an example"),
        ("right among those that pass", sieve["right_of_passing"], "of samples that pass the examples"),
        ("duplicates", results["duplicates"], "of samples with a program repeat an earlier one's text"),
    ):
        if plain is not None:
            rows.append(Row(name, _interval(plain), meaning))
    return rows


def _submissions(k: int) -> str:
    return "1 submission" if k == 1 else f"{k} submissions"


def _drawn(k: int) -> str:
    return "a sample drawn at random is right" if k == 1 else f"one of {k} samples drawn at random is right"


def _short(problems: int) -> str:
    return f"; {problems} problems have fewer samples, so at least" if problems else ""


def _charts(results: Mapping[str, Any]) -> list[Chart]:
    found = [_solve_rates(results), _losses(results), _funnel(results), _verdicts(results)]
    if any(results["calibration"].values()):
        found.append(_calibration(results))
    return found


def _solve_rates(results: Mapping[str, Any]) -> Chart:
    ns = results["ns"]
    curves = [("some sample is right", results["coverage"])]
    ks = results["ks"] if len(results["ks"]) <= _CURVES else [results["ks"][0], *results["ks"][-_CURVES + 1 :]]
    curves += [(_submissions(k), [one for one in results["n_at_k"] if one["k"] == k]) for k in reversed(ks)]
    series = [
        charts.Series(name, ns, _bound(curve, "value"), _bound(curve, "low"), _bound(curve, "high"))
        if number < _BANDS
        else charts.Series(name, ns, _bound(curve, "value"))
        for number, (name, curve) in enumerate(curves)
    ]
    laws, told = _laws(results, list(reversed(ks)))
    caption = (
        "Bands are 95 % intervals over problems, those of the other curves in the table. n samples are drawn from "
        "those there are, and the choice is made again from what is recorded. " + told
    )
    rows = tuple((f"{n:,}", *(_told(curve[place]) for _, curve in curves)) for place, n in enumerate(ns) if curves)
    return _chart(
        charts.solve_rates(series, laws), "Solve rate and number of samples", caption,
        ("samples", *(name for name, _ in curves)), rows,
    )  # fmt: skip


def _bound(curve: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [one[name] for one in curve]


def _laws(results: Mapping[str, Any], ks: Sequence[int]) -> tuple[list[charts.Law], str]:
    """The fitted curves over the samples seen, and what they are."""
    ns, scaling = results["ns"], results["scaling"]
    xs = _between(min(ns), max(ns)) if ns else []
    laws, told = [], []
    if (fit := scaling["coverage"]) is not None:
        a, b = fit["a"]["value"], fit["b"]["value"]
        laws.append(charts.Law("coverage", 0, xs, [math.exp(a * x**b) for x in xs]))
        told.append(f"Coverage ≈ exp({a:.3g} · n^{b:.3g}){_fits(fit)}.")
    for one in scaling["solved"]:
        if one["k"] in ks and (fit := one["fit"]) is not None:
            start, slope = fit["intercept"]["value"], fit["slope"]["value"]
            ys = [min(1.0, max(0.0, start + slope * math.log10(x))) for x in xs]
            laws.append(charts.Law(f"{one['k']}", 1 + ks.index(one["k"]), xs, ys))
            told.append(
                f"With {_submissions(one['k'])}, ten times the samples give {_points(fit['slope'])}{_fits(fit)}."
            )
    return laws, " ".join(told)


def _fits(fit: Mapping[str, Any]) -> str:
    return "" if fit["r_squared"] is None else f" (R² {fit['r_squared']:.3f})"


def _points(slope: Mapping[str, float]) -> str:
    value, low, high = (f"{100 * slope[name]:+.1f}" for name in ("value", "low", "high"))
    return f"{value} points ({low} to {high})"


def _between(low: float, high: float, steps: int = 40) -> list[float]:
    return [low * (high / low) ** (step / steps) for step in range(steps + 1)]


def _losses(results: Mapping[str, Any]) -> Chart:
    lost, problems = results["losses"], results["problems"]
    parts = ("solved", "lost in the choice", "lost by the filter", "no right sample")
    rows = [
        (f"k = {one['k']}", (one["solved"], one["selection_lost"], lost["filter_lost"], problems - lost["covered"]))
        for one in lost["by_k"]
    ]
    caption = (
        "What became of the problems with k submissions. The parts are counted one by one, and their sum is checked."
    )
    table = tuple((name, *(f"{number:,}" for number in numbers)) for name, numbers in rows)
    return _chart(
        charts.shares("Where problems are lost", rows, parts), "Where problems are lost", caption, ("", *parts), table
    )


def _funnel(results: Mapping[str, Any]) -> Chart:
    counts = results["funnel"]
    stages = [(label, counts[name]) for name, label in _FUNNEL.items()]
    caption = (
        f"All problems together: {counts['with_program']:,} of {counts['samples']:,} samples hold a program; "
        f"{_count(counts['right'], 'submission')} right, {_count(counts['solved'], 'problem')} solved. Where nothing "
        "passes the examples the submissions are guesses."
    )
    table = tuple((label, f"{number:,}") for label, number in stages)
    return _chart(charts.funnel(stages), "From samples to right submissions", caption, ("stage", "number"), table)


def _verdicts(results: Mapping[str, Any]) -> Chart:
    first, final = results["example_verdicts"], results["final_verdicts"]
    names = sorted(first.keys() | final.keys(), key=lambda name: (name != "AC", -final.get(name, 0), name))
    rows = [
        (label, [mix.get(name, 0) for name in names])
        for label, mix in (("on the examples", first), ("in the end", final))
    ]
    caption = "Of all samples. In the end: on hidden tests where a program passes the examples, else on the examples."
    table = tuple((name, *(f"{counts[place]:,}" for _, counts in rows)) for place, name in enumerate(names))
    return _chart(charts.mixes(names, rows), "Verdicts", caption, ("verdict", *(label for label, _ in rows)), table)


def _calibration(results: Mapping[str, Any]) -> Chart:
    series, told, table = [], [], []
    for name in ("submissions", "survivors"):
        found = results["calibration"][name]
        if found is None:
            continue
        bins = found["bins"]
        series.append(
            charts.Points(
                name,
                [one["predicted"] for one in bins],
                [one["right"]["value"] for one in bins],
                [one["right"]["low"] for one in bins],
                [one["right"]["high"] for one in bins],
                [one["weight"] for one in bins],
            )
        )
        error = found["error"]
        told.append(
            f"{name.capitalize()}: expected calibration error {error['value']:.3f} ({error['low']:.3f} to "
            f"{error['high']:.3f}), Brier score {found['brier']:.3f}."
        )
        table += [(name, percent(one["predicted"]), _told(one["right"]), percent(one["weight"])) for one in bins]
    caption = " ".join([*told, "Areas go by how many lie in a tenth; lines are 95 % intervals."])
    return _chart(
        charts.reliability(series), "Calibration of P(correct)", caption,
        ("of", "said", "right", "share"), tuple(table),
    )  # fmt: skip


def _chart(svg: str, title: str, caption: str, columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Chart:
    from markupsafe import Markup

    return Chart(Markup(svg), title, caption, columns, rows)


def _told(plain: Mapping[str, float]) -> str:
    return f"{percent(plain['value'])} ({100 * plain['low']:.1f} to {100 * plain['high']:.1f})"


def _beyond(results: Mapping[str, Any]) -> list[tuple[int, Interval]]:
    fit = results["scaling"]["coverage"]
    return [] if fit is None else [(one["n"], _interval(one)) for one in fit["beyond"]]


def _costs(results: Mapping[str, Any]) -> list[Cost]:
    return [
        Cost(
            name.replace("_", " ").replace("cpu", "CPU"),
            one["total"],
            _interval(one["a_problem"]),
            Interval.of(one["a_solved_problem"]),
        )
        for name, one in (*results["cost"].items(), *results["timing"].items())
    ]


def _groups(results: Mapping[str, Any], k: int) -> list[tuple[str, list[GroupRow], int]]:
    """(kind, its groups, how many more there are); kinds that do not divide the problems are left out."""
    found = []
    for kind, groups in results["groups"].items():
        if len(groups) < 2:
            continue
        largest = sorted(groups, key=lambda one: -one["problems"])[:_GROUPS_SHOWN]
        rows = [_group(one, k) for one in groups if one in largest]
        found.append((kind, rows, len(groups) - len(rows)))
    return found


def _group(one: Mapping[str, Any], k: int) -> GroupRow:
    solved = next(entry for entry in one["solved"] if entry["k"] == k)
    return GroupRow(
        visible(str(one["group"]))[:60],
        one["problems"],
        _interval(solved),
        _interval(one["coverage"]),
        _interval(one["pass_at_1"]),
    )


def _counts(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(((visible(name)[:60] or "unknown", count) for name, count in counts.items()), key=lambda one: -one[1])


def _warnings(results: Mapping[str, Any], k: int) -> list[str]:
    """What should be known before a figure is believed."""
    checks, doubtful, found = results["checks"], results["doubtful"], []
    again = checks["chosen_again"]
    if again["same"] < again["of"]:
        found.append(
            f"Choosing again from the records gave the submissions of {again['same']} of {again['of']} problems only: "
            "curves and submissions are not by the same choice."
        )
    if checks["internal_errors"]:
        found.append(
            f"{checks['internal_errors']} programs have no verdict because of internal errors; they count as wrong."
        )
    if checks["passing_not_judged"]:
        found.append(
            f"{checks['passing_not_judged']} programs pass the examples and were not judged; they count as wrong."
        )
    if checks["scorer_was_trained_on"]:
        found.append(
            f"The scorer behind the default policy has seen {checks['scorer_was_trained_on']} of these problems in "
            "training; each is scored by the fold that has not."
        )
    if doubtful["problems"]:
        others = next(one for one in doubtful["solved_of_the_others"] if one["k"] == k)
        found.append(
            f"In {doubtful['problems']} problems exact comparison may reject right answers; of the others "
            f"{_told(others)} are solved with {_submissions(k)}."
        )
    return found


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
