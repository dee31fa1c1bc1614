"""Results and comparisons as Markdown tables, for issues and READMEs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def as_markdown(results: Mapping[str, Any]) -> str:
    """Results of `summarise`; per-problem figures are left to the other formats."""
    parts = [
        f"# {results['problems']} problems, {results['samples']} samples\n",
        "Shares of problems with 95 % bootstrap intervals over problems.\n",
        _headline(results),
        _curve(results),
        _losses(results),
        _funnel(results),
        *(_group(name, table) for name, table in results["groups"].items() if len(table) > 1),
        _cost(results),
        _mix("Samples by verdict in the end", results["final_verdicts"]),
        _false_positives(results),
        _checks(results),
    ]
    return "\n".join(part for part in parts if part)


def percent(interval: Mapping[str, float] | None, sign: str = "") -> str:
    """`12.3 [4.5, 20.1]`; a dash for None."""
    if interval is None:
        return "–"
    value, low, high = (f"{100 * interval[name]:{sign}.1f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A pipe table; the first column is text, the others are numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(value: object) -> str:
    """Names come from data sets: they must not break the table."""
    return " ".join(str(value).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def _headline(results: Mapping[str, Any]) -> str:
    by_k = {one["k"]: one for one in results["pass_at_k"]}
    rows = [
        (one["k"], f"{one['problems']}/{results['problems']}", percent(one), percent(by_k[one["k"]]))
        for one in results["solved"]
    ]
    return table(("k", "solved", "solved, %", "pass@k, %"), rows)


def _curve(results: Mapping[str, Any]) -> str:
    found = {(one["n"], one["k"]): one for one in results["n_at_k"]}
    rows = [
        (one["n"], *(percent(found[one["n"], k]) for k in results["ks"]), percent(one)) for one in results["coverage"]
    ]
    return "## By number of samples, %\n\n" + table(
        ("samples", *(f"solved with {k}" for k in results["ks"]), "coverage"), rows
    )


def _losses(results: Mapping[str, Any]) -> str:
    losses = results["losses"]
    rows = [
        (one["k"], losses["covered"], losses["filter_lost"], one["selection_lost"], one["solved"])
        for one in losses["by_k"]
    ]
    return "## Losses, problems\n\n" + table(("k", "covered", "− filter", "− choice", "= solved"), rows)


def _funnel(results: Mapping[str, Any]) -> str:
    return "## From samples to solutions\n\n" + table(("stage", "count"), results["funnel"].items())


def _group(name: str, parts: Sequence[Mapping[str, Any]]) -> str:
    ks = [one["k"] for one in parts[0]["solved"]]
    rows = [
        (part["group"], part["problems"], *(percent(one) for one in part["solved"]), percent(part["coverage"]))
        for part in parts
    ]
    return f"## By {name}, %\n\n" + table((name, "problems", *(f"solved with {k}" for k in ks), "coverage"), rows)


def _cost(results: Mapping[str, Any]) -> str:
    rows = [
        (name.replace("_", " "), _number(cost["total"]), _amount(cost["a_problem"]), _amount(cost["a_solved_problem"]))
        for name, cost in (results["cost"] | results["timing"]).items()
    ]
    return "## Cost\n\n" + table(("", "total", "a problem", "a solved problem"), rows)


def _amount(interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return "–"
    return "{} [{}, {}]".format(*(_number(interval[name]) for name in ("value", "low", "high")))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _mix(title: str, counts: Mapping[str, int]) -> str:
    total = sum(counts.values()) or 1
    return f"## {title}\n\n" + table(
        ("verdict", "samples", "%"), [(name, n, f"{100 * n / total:.1f}") for name, n in counts.items()]
    )


def _false_positives(results: Mapping[str, Any]) -> str:
    found = results["false_positives"]
    if found is None:
        return ""
    return (
        f"## False positives\n\n{found['failed']} of {found['checked']} accepted submissions fail one of "
        f"{found['tests']} extra tests: {percent(found['rate'])} %.\n"
    )


def _checks(results: Mapping[str, Any]) -> str:
    checks, again = results["checks"], results["checks"]["chosen_again"]
    rows = [
        ("problems where exact match is doubtful", results["doubtful"]["problems"]),
        ("choosing again gave the same submissions", f"{again['same']} of {again['of']}"),
        ("programs with an internal error", checks["internal_errors"]),
        ("passing programs without a hidden verdict", checks["passing_not_judged"]),
        ("problems the scorer was trained on", checks["scorer_was_trained_on"]),
    ]
    return "## Before you believe it\n\n" + table(("", ""), rows)


def comparison_as_markdown(comparison: Mapping[str, Any]) -> str:
    """What `compare` gave."""
    parts = []
    for one in comparison["comparisons"]:
        rows = [(row["k"], *_means(row), percent(row["difference"], "+"), *_flips(row)) for row in one["solved"]]
        base = comparison["base"]
        parts.append(f"## {_cell(one['run'])} against {_cell(base)}, {one['problems']} problems, %\n")
        parts.append(table(("k", base, one["run"], "difference", "won", "lost", "p"), rows))
        for row in one["solved"]:
            for word in ("won", "lost"):
                if row[word]:
                    parts.append(f"k = {row['k']}, {word}: {', '.join(map(_cell, row[word]))}\n")
    return "\n".join(parts)


def _means(row: Mapping[str, Any]) -> tuple[str, str]:
    return f"{100 * row['base']:.1f}", f"{100 * row['run']:.1f}"


def _flips(row: Mapping[str, Any]) -> tuple[object, ...]:
    return len(row["won"]), len(row["lost"]), f"{row['p_value']:.3g}"
