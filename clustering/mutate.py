"""New inputs of a known layout: sizes, values and test cases changed, relations kept.

A case is written block by block from an example case. Sizes are chosen when their variable is written,
and everything they govern follows, so a count can never disagree with what it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from clustering.fields import Field, Graph, Shape
from clustering.structure import Array, Case, Counted, Environment, Free, Layout, Line, Parsed, Row, Rows
from clustering.tokens import as_int
from clustering.values import Impossible, integers, one_integer, words

SMALL_EXTRA = 3
MEDIUM, MEDIUM_GRID = 12, 6
LARGE, LARGE_GRID = 300, 15
HUGE, HUGE_GRID = 4_000, 60
MAX_CASES = 10


@dataclass(frozen=True, slots=True)
class Style:
    """How a case is changed: its sizes and its values."""

    name: str
    size: Literal["keep", "least", "small", "medium", "large", "huge"]
    value: Literal[
        "keep", "tweak", "low", "high", "small", "random", "equal", "reverse", "shuffle", "ascending", "descending"
    ]


STYLES = (
    Style("tweak", "keep", "tweak"),
    Style("small", "small", "small"),
    Style("random", "medium", "random"),
    Style("small-values", "medium", "small"),
    Style("least", "least", "low"),
    Style("high", "medium", "high"),
    Style("equal", "medium", "equal"),
    Style("resize", "medium", "tweak"),
    Style("shuffle", "keep", "shuffle"),
    Style("ascending", "medium", "ascending"),
    Style("large", "large", "random"),
    Style("least-random", "least", "random"),
    Style("reverse", "keep", "reverse"),
    Style("descending", "medium", "descending"),
    Style("keep-random", "keep", "random"),
    Style("large-small-values", "large", "small"),
    Style("tiny", "small", "random"),
    Style("huge", "huge", "random"),
)
"""In the order in which they are tried, over and over."""


def write_input(parsed: Parsed, shapes: Sequence[Shape], style: Style, example: int, rng: Random) -> str | None:
    """A new input after the example of that index, or None when the relations cannot be kept."""
    cases = parsed.examples[example % len(parsed.examples)]
    try:
        if not parsed.layout.repeated:
            return _text(_CaseWriter(parsed.layout, shapes, style, cases[0], rng, alone=True).write())
        if style.size in ("large", "huge"):
            chosen = [(style, rng.choice(cases))]
        elif style.value in ("shuffle", "reverse") or style.name == "tweak":
            chosen = [(style, case) for case in _some_cases(parsed, cases, rng)]
        else:
            number = rng.choice((1, 2, 3, 5, MAX_CASES))
            chosen = [(style if i % 2 == 0 else rng.choice(STYLES[:10]), rng.choice(cases)) for i in range(number)]
        rows: list[Row] = [[str(len(chosen))]]
        for one, case in chosen:
            rows += _CaseWriter(parsed.layout, shapes, one, case, rng, alone=len(chosen) == 1).write()
        return _text(rows)
    except Impossible:
        return None


def _some_cases(parsed: Parsed, cases: list[Case], rng: Random) -> list[Case]:
    """The example's test cases with some dropped or given twice, in another order."""
    pool = cases if rng.random() < 0.5 else [case for listed in parsed.examples for case in listed]
    return [rng.choice(pool) for _ in range(rng.randint(1, max(2, min(len(pool) + 1, MAX_CASES))))]


def _text(rows: list[Row]) -> str:
    return "\n".join(" ".join(row) for row in rows) + "\n"


class _CaseWriter:
    """Writes one test case in one style. Raises Impossible when a relation cannot be kept."""

    def __init__(
        self, layout: Layout, shapes: Sequence[Shape], style: Style, base: Case, rng: Random, *, alone: bool
    ) -> None:
        self.layout, self.shapes, self.style, self.base, self.rng = layout, shapes, style, base, rng
        self.alone = alone
        self.environment: Environment = [base.environment[0]]
        self.sizes: set[int] = set()
        grid = False
        for block, shape in zip(layout.blocks, shapes, strict=True):
            item = block.item if isinstance(block, Rows) else block
            if isinstance(block, Rows):
                self.sizes.add(block.count.variable)
                grid |= isinstance(item, Array)
            if isinstance(item, Array):
                self.sizes.add(item.length.variable)
            for field in shape.fields:
                if field.kind == "word" and field.upper is not None:
                    self.sizes.add(field.upper.variable)
                    grid |= isinstance(block, Rows)
            if shape.graph is not None:
                self.sizes.add(shape.graph.vertices.variable)
        self.caps = (MEDIUM_GRID, LARGE_GRID, HUGE_GRID) if grid else (MEDIUM, LARGE, HUGE)

    def write(self) -> list[Row]:
        rows: list[Row] = []
        for index, (block, shape) in enumerate(zip(self.layout.blocks, self.shapes, strict=True)):
            part = self.base.parts[index]
            if isinstance(block, Line):
                rows.append(self._scalars(shape.fields, part[0] if part else []))
            elif isinstance(block, Rows):
                count = block.count.value(self.environment)
                if count is None or count < 0:
                    raise Impossible
                if isinstance(block.item, Line):
                    rows += self._table(shape, part, count)
                else:
                    rows += [self._row(block.item, shape, part[i % len(part)] if part else []) for i in range(count)]
            else:
                rows.append(self._row(block, shape, part[0]))
        return rows

    def _row(self, item: Line | Array | Counted | Free, shape: Shape, base: Row) -> Row:
        field = shape.fields[0]
        if isinstance(item, Array):
            length = item.length.value(self.environment)
            if length is None or length < 0:
                raise Impossible
            return self._tokens(field, length, base)
        if isinstance(item, Counted):
            seen = len(base) - 1 if base else 1
            length = seen if self.style.size == "keep" else self.rng.randint(min(seen, 1), seen + 2)
            return [str(length), *self._tokens(field, length, base[1:])]
        return self._template(shape)

    def _template(self, shape: Shape) -> Row:
        row = list(self.rng.choice(shape.templates)) if shape.templates else []
        for position in range(1, len(row)):
            alike = [t for t in shape.templates if len(t) == len(row) and t[0] == row[0]]
            seen = [value for t in alike if (value := as_int(t[position])) is not None]
            if len(seen) == len(alike) and self.rng.random() < 0.5:
                row[position] = str(self.rng.randint(min(seen), max(seen)))
        return row

    def _scalars(self, fields: Sequence[Field], base: Row) -> Row:
        first = len(self.environment)
        self.environment += [None] * len(fields)
        row = [""] * len(fields)
        waiting = list(range(len(fields)))
        while waiting:
            ready = [c for c in waiting if not self._waits(fields[c], first, waiting)] or waiting[:1]
            for column in ready:
                token = self._scalar(fields[column], base[column], first + column)
                row[column], self.environment[first + column] = token, as_int(token)
                waiting.remove(column)
        return row

    def _waits(self, field: Field, first: int, waiting: list[int]) -> bool:
        return field.upper is not None and field.upper.variable - first in waiting

    def _scalar(self, field: Field, base: str, variable: int) -> str:
        if field.kind != "integer":
            return self._tokens(field, 1, [base])[0]
        if variable in self.sizes:
            return str(self._size(field, int(base)))
        return str(one_integer(field, int(base), self.style.value, self._upper(field), self.rng))

    def _size(self, field: Field, base: int) -> int:
        medium, large, huge = self.caps
        medium = medium if self.alone else max(2, medium // 2)
        upper = self._upper(field)
        low = max(field.low, 0)
        high = field.high if field.stated else max(field.high, large)
        high = high if upper is None else min(high, upper)
        match self.style.size:
            case "keep":
                chosen = base
            case "least":
                chosen = low
            case "small":
                chosen = self.rng.randint(low, low + SMALL_EXTRA)
            case "medium":
                chosen = self.rng.randint(low, max(low, medium))
            case "large":
                chosen = self.rng.randint(large // 2, large)
            case "huge":
                chosen = self.rng.randint(huge // 2, huge)
        if low > high or low > huge:
            raise Impossible
        return max(low, min(high, chosen, huge))

    def _upper(self, field: Field) -> int | None:
        return field.upper.value(self.environment) if field.upper is not None else None

    def _tokens(self, field: Field, count: int, base: Row) -> Row:
        if field.kind == "word":
            return words(field, count, base, self.style.value, self._upper(field), self.rng)
        scale = 10**field.decimals
        known = [round(float(token) * scale) if field.decimals else int(token) for token in base]
        values = integers(field, count, known, self.style.value, self._upper(field), self.rng)
        if field.kind == "decimal":
            return [f"{value / scale:.{field.decimals}f}" for value in values]
        return [str(value) for value in values]

    def _table(self, shape: Shape, part: list[Row], count: int) -> list[Row]:
        columns = [self._tokens(f, count, [row[c] for row in part]) for c, f in enumerate(shape.fields)]
        if shape.graph is not None:
            columns[:2] = self._edges(shape.graph, count)
        rows = [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(count)]
        for left, right in shape.ascending:
            for row in rows:
                a, b = as_int(row[left]), as_int(row[right])
                if a is not None and b is not None and a > b:
                    row[left], row[right] = row[right], row[left]
        return rows

    def _edges(self, graph: Graph, count: int) -> list[Row]:
        """`count` edges with the properties of the graph, as two columns."""
        vertices = graph.vertices.value(self.environment)
        if vertices is None or vertices < 1 or (graph.tree and count != vertices - 1):
            raise Impossible
        possible = vertices * (vertices + 1 if graph.loops else vertices - 1) // 2
        if (not graph.repeats and count > possible) or (count and not possible):
            raise Impossible
        edges: list[tuple[int, int]] = []
        if graph.connected:
            if count < vertices - 1:
                raise Impossible
            names = self.rng.sample(range(1, vertices + 1), vertices)
            shape = self.rng.choice(("random", "path", "star"))
            for i in range(1, vertices):
                parent = {"random": self.rng.randrange(i), "path": i - 1, "star": 0}[shape]
                edges.append((names[i], names[parent]))
        seen = {frozenset(edge) for edge in edges}
        for _ in range(20 * count + 100):
            if len(edges) >= count:
                break
            edge = self.rng.randint(1, vertices), self.rng.randint(1, vertices)
            if (edge[0] == edge[1] and not graph.loops) or (frozenset(edge) in seen and not graph.repeats):
                continue
            seen.add(frozenset(edge))
            edges.append(edge)
        if len(edges) != count:
            raise Impossible
        self.rng.shuffle(edges)
        return [[str(u) for u, _ in edges], [str(v) for _, v in edges]]
