"""Plots as SVG that takes its colours from the page, so that one drawing serves a light and a dark page.

matplotlib draws with placeholder colours; each is then replaced by a CSS variable. Texts stay texts (they can be
read out, searched and copied). Labels are ours: nothing from a data set is drawn.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from solver.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Placeholder → CSS variable. No two may be equal, and nothing else may be drawn with them.
_VARIABLES = {
    "#010203": "--ink",
    "#020304": "--muted",
    "#030405": "--line",
    "#040506": "--paper",
    "#050607": "--series-1",
    "#060708": "--series-2",
    "#070809": "--series-3",
    "#08090a": "--series-4",
    "#090a0b": "--quiet",
}
_BY_NAME = {name.removeprefix("--"): placeholder for placeholder, name in _VARIABLES.items()}
_INK, _MUTED, _LINE = _BY_NAME["ink"], _BY_NAME["muted"], _BY_NAME["line"]
_SERIES = tuple(_BY_NAME[f"series-{n}"] for n in (1, 2, 3, 4))
_QUIET = _BY_NAME["quiet"]
_MARKERS = ("o", "s", "^", "D")
_WIDTH = 4.6  # inches; at a phone's width the texts are then still 10 pixels high


@dataclass(frozen=True, slots=True)
class Series:
    """A curve. x: samples. y, low, high: shares, of the same length; low and high may be empty."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Law:
    """A fitted curve, drawn dashed in the colour of the series with that index."""

    label: str
    of: int
    x: Sequence[float]
    y: Sequence[float]


def solve_rates(series: Sequence[Series], laws: Sequence[Law] = ()) -> str:
    """Solve rate against samples, on a logarithmic axis, with intervals as bands."""

    def draw(axes: Axes) -> None:
        for number, one in enumerate(series):
            colour, marker = _SERIES[number % len(_SERIES)], _MARKERS[number % len(_MARKERS)]
            axes.plot(one.x, one.y, color=colour, marker=marker, markersize=4.5, linewidth=1.8, label=one.label)
            if one.low:
                axes.fill_between(one.x, one.low, one.high, color=colour, alpha=0.13, linewidth=0)
        for law in laws:
            axes.plot(law.x, law.y, color=_SERIES[law.of % len(_SERIES)], linestyle=(0, (4, 3)), linewidth=1.2)
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        _percent(axes)
        top = max([0.05, *(max([*one.y, *one.high], default=0) for one in series)])
        axes.set(ylim=(0, min(1.0, top * 1.12)), xlabel="samples per problem", ylabel="problems solved")
        handles, names = axes.get_legend_handles_labels()
        if laws:
            handles.append(axes.plot([], [], color=_MUTED, linestyle=(0, (4, 3)), linewidth=1.2)[0])
            names.append("fitted law")
        _legend_below(axes, handles, names)

    return _svg("solve-rates", "Solve rate against the number of samples, on a logarithmic axis", draw, 3.9)


def funnel(stages: Sequence[tuple[str, float]]) -> str:
    """(label, number) from the first stage to the last, each with its share of the first."""

    def draw(axes: Axes) -> None:
        names = [name for name, _ in stages]
        numbers = [number for _, number in stages]
        whole = max([1.0, *numbers])
        axes.barh(range(len(stages)), numbers, color=_SERIES[0], height=0.62)
        for place, number in enumerate(numbers):
            share = number / whole
            text = f"{number:,.0f}" if not place else f"{number:,.0f}  ({_share(share)})"
            inside = share > 0.6
            axes.text(
                number - whole * 0.015 if inside else number + whole * 0.015, place, text,
                va="center", ha="right" if inside else "left", color=_BY_NAME["paper"] if inside else _INK,
            )  # fmt: skip
        axes.set_yticks(range(len(stages)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, whole)
        _bare(axes)

    return _svg("funnel", "From samples to right submissions", draw, 0.34 * len(stages) + 0.3)


def shares(label: str, rows: Sequence[tuple[str, Sequence[float]]], parts: Sequence[str]) -> str:
    """Stacked bars, one a row: what share of a whole each part has. Thin parts are not labelled."""
    colours = (_SERIES[0], _SERIES[1], _SERIES[3], _QUIET)
    hatches = ("", "////", "\\\\\\\\", "")

    def draw(axes: Axes) -> None:
        for place, (_, numbers) in enumerate(rows):
            whole, left = sum(numbers) or 1.0, 0.0
            for part, number in enumerate(numbers):
                width = number / whole
                axes.barh(
                    place, width, left=left, height=0.56, color=colours[part % 4], hatch=hatches[part % 4],
                    edgecolor=_BY_NAME["paper"], linewidth=0.8, label=parts[part] if not place else None,
                )  # fmt: skip
                if width >= 0.09:
                    box = {"boxstyle": "square,pad=0.15", "facecolor": _BY_NAME["paper"], "edgecolor": "none"}
                    axes.text(
                        left + width / 2, place, _whole_percent(width), va="center", ha="center", color=_INK, bbox=box
                    )
                left += width
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        _bare(axes)
        _legend_below(axes, *axes.get_legend_handles_labels())

    lines = -(-len(parts) // 2)
    return _svg(re.sub(r"\W+", "-", label.lower()), label, draw, 0.42 * len(rows) + 0.27 * lines + 0.25)


@dataclass(frozen=True, slots=True)
class Points:
    """What was said and what came of it, a point a bin. weight: share of all that lies in the bin."""

    label: str
    said: Sequence[float]
    came: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    weight: Sequence[float]


def reliability(series: Sequence[Points]) -> str:
    """What P(correct) said and what came, with intervals. Areas go by weight."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], linestyle=(0, (4, 3)), color=_MUTED, linewidth=1.2, label="perfectly calibrated")
        for number, one in enumerate(series):
            colour, marker = _SERIES[number], _MARKERS[number]
            shift = [x + 0.008 * number for x in one.said]
            axes.vlines(shift, one.low, one.high, color=colour, linewidth=1.2, alpha=0.6)
            sizes = [16 + 260 * weight for weight in one.weight]
            axes.scatter(shift, one.came, s=sizes, color=colour, marker=marker, alpha=0.85, label=one.label)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.06), xlabel="P(correct) as said", ylabel="share that is right")
        _percent(axes)
        axes.xaxis.set_major_formatter(lambda value, _: _whole_percent(value))
        legend = _legend_below(axes, *axes.get_legend_handles_labels())
        for handle in legend.legend_handles[1:]:
            handle.set_sizes([40])

    return _svg("calibration", "Calibration: what P(correct) said against what came", draw, 3.9)


def mixes(names: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]]) -> str:
    """(label, counts by name) a row: for each name one bar a row, as a share of that row's total."""

    def draw(axes: Axes) -> None:
        height = 0.8 / len(rows)
        most = 0.01
        for number, (label, counts) in enumerate(rows):
            whole = sum(counts) or 1.0
            places = [place + (number - (len(rows) - 1) / 2) * height for place in range(len(names))]
            values = [count / whole for count in counts]
            most = max([most, *values])
            bars = axes.barh(places, values, height=height * 0.86, label=label, color=_SERIES[number], linewidth=0.6)
            for bar in bars:
                bar.set(hatch=("", "////")[number % 2], edgecolor=_BY_NAME["paper"])
            for place, value in zip(places, values, strict=True):
                if value:
                    axes.text(value + most * 0.01, place, f" {_share(value)}", va="center", fontsize=8.5)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, most * 1.16)
        _bare(axes)
        axes.legend(loc="lower right", frameon=False, labelcolor=_INK)

    return _svg("verdicts", "Verdicts of samples", draw, 0.2 * len(rows) * max(3, len(names)) + 0.35)


def _legend_below(axes: Axes, handles: list[Any], names: list[str]) -> Any:
    return axes.get_figure(root=True).legend(  # type: ignore[union-attr]
        handles, names, loc="outside lower left", ncols=2, frameon=False, labelcolor=_INK, handlelength=1.6
    )


def _share(share: float) -> str:
    if share and share < 0.001:
        return "< 0.1 %"
    return _whole_percent(share) if share >= 0.1 or not share else f"{100 * share:.1f} %"


def _whole_percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _percent(axes: Axes) -> None:
    axes.yaxis.set_major_formatter(lambda value, _: _whole_percent(value))
    axes.grid(color=_LINE, linewidth=0.7)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _bare(axes: Axes) -> None:
    axes.xaxis.set_visible(False)
    axes.tick_params(axis="y", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "codesieve",
    "font.size": 10,
    "text.parse_math": False,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
}


def _svg(name: str, title: str, draw: Callable[[Axes], None], height: float) -> str:
    """Raises UserError without matplotlib."""
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise UserError("the report is drawn by matplotlib; pip install 'codesieve[plots]'") from None
    with rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        draw(figure.subplots())
        written = io.StringIO()
        no_metadata: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(written, format="svg", metadata=no_metadata)
    return _for_page(written.getvalue(), name, title)


def _for_page(svg: str, name: str, title: str) -> str:
    """Without the XML prologue, sized by the page, with ids of its own and CSS variables for colours."""
    svg = svg[svg.index("<svg") :]
    width, height = re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2]
    start = f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}" class="chart" {_NAMESPACES}>'
    svg = start + svg[svg.index(">") + 1 :]
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)  # matplotlib's style would hold page-wide
    svg = re.sub(r"font-family: [^;]*; ", "", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'((?:xlink:)?href="#|url\(#)', rf"\g<1>{name}-", svg)
    for placeholder, variable in _VARIABLES.items():
        svg = re.sub(placeholder, f"var({variable})", svg, flags=re.IGNORECASE)
    return svg


_NAMESPACES = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
