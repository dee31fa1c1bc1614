"""What may stand in each place of a layout: types, ranges, and relations between values.

A statement's word is taken over what the examples happen to show: sorted examples make sorted inputs
only where the statement asks for it, or where there is no statement to ask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clustering.constraints import Constraints, Range, base_name
from clustering.structure import Array, Environment, Free, Layout, Line, Parsed, Ref, Row, Rows
from clustering.tokens import as_int, is_decimal

Group = tuple[Environment, list[str]]
"""Tokens that belong together (an array, a column of rows) and the variables of their test case."""

MAX_ALPHABET = 100
BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">"}


@dataclass(frozen=True, slots=True)
class Field:
    """The values of one place.

    low, high: inclusive range of an integer (scaled by 10^decimals for a decimal) or of the length of a word.
    permutation: of the range from `low`, each value `times` times. upper: a variable that bounds an integer from above,
    or that is the length of a word. stated: the statement gives the range. order: of a group's values; `parents` means
    that value i is in 1..i+1.
    """

    kind: Literal["integer", "decimal", "word"]
    low: int
    high: int
    seen_low: int
    seen_high: int
    upper: Ref | None = None
    stated: bool = False
    distinct: bool = False
    permutation: bool = False
    times: int = 1
    order: Literal["", "ascending", "descending", "parents"] = ""
    alphabet: str = ""
    vocabulary: tuple[str, ...] = ()
    balanced: bool = False
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Graph:
    """The first two columns of rows are the ends of edges between 1 and `vertices`."""

    vertices: Ref
    tree: bool
    connected: bool
    loops: bool
    repeats: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What is known of one block: a field per column (or one for all tokens), column pairs in ascending
    order, the graph its rows describe, and the seen lines of a Free block."""

    fields: tuple[Field, ...]
    ascending: tuple[tuple[int, int], ...] = ()
    graph: Graph | None = None
    templates: tuple[tuple[str, ...], ...] = ()


def infer_shapes(parsed: Parsed, constraints: Constraints) -> list[Shape]:
    """One shape per block of the layout."""
    cases = [case for example in parsed.examples for case in example]
    names = _assign_names(parsed.layout, constraints)
    firsts = parsed.layout.first_variables()
    variables = {
        base_name(names[index, column]): first + column
        for index, (block, first) in enumerate(zip(parsed.layout.blocks, firsts, strict=True))
        for column in range(block.width if isinstance(block, Line) else 0)
        if (index, column) in names
    }
    shapes = []
    for index, block in enumerate(parsed.layout.blocks):
        item = block.item if isinstance(block, Rows) else block
        if isinstance(item, Line):
            columns = [
                [(case.environment, [row[column] for row in case.parts[index]]) for case in cases]
                for column in range(item.width)
            ]
        else:
            skip = 0 if isinstance(item, Array | Free) else 1
            columns = [[(case.environment, row[skip:]) for case in cases for row in case.parts[index]]]
        own = firsts[index] if isinstance(block, Line) else None
        reader = _Reader(constraints, variables, len(cases), own, item.width if isinstance(item, Line) else 0)
        fields = tuple(
            reader.field(groups, names.get((index, column), ""), column) for column, groups in enumerate(columns)
        )
        ascending: tuple[tuple[int, int], ...] = ()
        graph = None
        if isinstance(block, Rows) and isinstance(item, Line):
            listed = [names.get((index, column), "") for column in range(item.width)]
            graph = _graph([(case.environment, case.parts[index]) for case in cases], fields, constraints)
            ascending = () if graph else _ascending(listed, columns, constraints)
        lines = {tuple(row) for case in cases for row in case.parts[index]} if isinstance(item, Free) else set()
        shapes.append(Shape(fields, ascending, graph, tuple(sorted(lines))))
    return shapes


def _assign_names(layout: Layout, constraints: Constraints) -> dict[tuple[int, int], str]:
    """(block, column) → the statement's name, matching "integers n and m" with lines of two in order."""
    names: dict[tuple[int, int], str] = {}
    at = 0
    introductions = constraints.introductions
    if layout.repeated and introductions and len(introductions[0]) == 1:
        at = 1
    for index, block in enumerate(layout.blocks):
        item = block.item if isinstance(block, Rows) else block
        for position in range(at, len(introductions)):
            group = introductions[position]
            bases = {base_name(name) for name in group}
            if isinstance(item, Line):
                listed = len(bases) == 1 and not group[-1][-1:].isdigit()  # "a_1, …, a_n"
                per_row = all(name.endswith("_i") for name in group)
                fits = len(group) == item.width and (len(group) == 1 or not listed)
                fits = fits and (item is not block or not per_row)
            else:
                fits = len(bases) == 1 and (len(group) > 1 or "_" in group[0])
                group = group[:1]
            if fits:
                names.update({(index, column): name for column, name in enumerate(group)})
                at = position + 1
                break
    return names


class _Reader:
    """Infers the fields of one block."""

    def __init__(
        self, constraints: Constraints, variables: dict[str, int], cases: int, own: int | None, width: int
    ) -> None:
        self.constraints = constraints
        self.variables = variables
        self.cases = cases
        self.own = own  # the number of the block's first variable, when its scalars are variables
        self.width = width

    def field(self, groups: Sequence[Group], name: str, column: int) -> Field:
        tokens = [token for _, group in groups for token in group]
        length = _length_ref(groups) if tokens else None
        digits = {c for token in tokens for c in token} <= {"0", "1"}
        sizes = {len(token) for token in tokens}
        if length and ((len(sizes) > 1 and max(sizes) > 2) or (digits and max(sizes) > 3)):
            return self._word(tokens, name, length)
        if digits and self._looks_binary(tokens):
            return self._word(tokens, name, length)
        if all(as_int(token) is not None for token in tokens):
            return self._integer(groups, name, column)
        if all(is_decimal(token) or as_int(token) is not None for token in tokens):
            places = max(len(token.partition(".")[2]) for token in tokens)
            scaled = [round(float(token) * 10**places) for token in tokens]
            low, high = min(scaled), max(scaled)
            return Field("decimal", min(low, 0), high, low, high, decimals=places)
        return self._word(tokens, name, length)

    def _looks_binary(self, tokens: Sequence[str]) -> bool:
        """Whether numbers of zeros and ones are meant as strings of bits; 10, 11 and 1000 are decimal numbers."""
        telling = {token for token in tokens if len(token) >= 3 and token.count("1") >= 2}
        said = self.constraints.mentions("binary", "bitstring", "bit string", "zeros and ones", "zeroes and ones")
        return bool(telling) and (said or len(telling) > 1 or max(map(len, telling)) > 4)

    def _integer(self, groups: Sequence[Group], name: str, column: int) -> Field:
        lists = [[int(token) for token in tokens] for _, tokens in groups]
        values = [value for listed in lists for value in listed] or [1]
        seen_low, seen_high = min(values), max(values)
        low, high = _default_range(seen_low, seen_high, bool(self.constraints.text))
        stated = self._stated(name, seen_low, seen_high)
        upper = None
        if stated is not None:
            low = stated.low if stated.low is not None else low
            high = stated.high if stated.high is not None else max(high, low)
            bound = self._bounding_variable(stated)
            if bound is not None and bound.variable != (None if self.own is None else self.own + column):
                upper = _holds(bound, groups)
        if upper is None and (stated is None or stated.high is None):
            upper = self._observed_upper(groups, column)
        if upper is not None and (stated is None or stated.high is None):
            high = max(high, 10**6)
        said = self.constraints.mentions
        silent = not self.constraints.text
        long = max(len(listed) for listed in lists) >= 3 if lists else False
        permutation = all(sorted(listed) == list(range(low, low + len(listed))) for listed in lists) and low in (0, 1)
        permutation = permutation and long and (silent or said("permutation"))
        pairs = all(sorted(listed) == sorted([*range(low, low + len(listed) // 2)] * 2) for listed in lists)
        pairs = pairs and low in (0, 1) and any(len(listed) > 3 for listed in lists)
        unique = all(len(set(listed)) == len(listed) for listed in lists)
        unique = unique and long and (silent or said("distinct", "unique", "pairwise different"))
        return Field(
            "integer",
            low,
            high,
            seen_low,
            seen_high,
            upper,
            stated=stated is not None and stated.high is not None,
            distinct=unique,
            permutation=permutation or pairs,
            times=2 if pairs and not permutation else 1,
            order=self._order(lists) if long and not permutation and not pairs else "",
        )

    def _bounding_variable(self, stated: Range) -> Ref | None:
        """The variable behind `high_name`, also where it takes two steps: l <= r <= n."""
        for _ in range(3):
            if (variable := self.variables.get(stated.high_name)) is not None:
                return Ref(variable, stated.high_offset)
            following = self.constraints.ranges.get(stated.high_name)
            if following is None:
                return None
            stated = following
        return None

    def _order(self, lists: list[list[int]]) -> Literal["", "ascending", "descending", "parents"]:
        said = self.constraints.mentions
        silent = not self.constraints.text
        if said("parent", "tree") and all(1 <= v <= i + 1 for listed in lists for i, v in enumerate(listed)):
            return "parents"
        if (silent or said("sorted", "decreasing", "increasing", "ascending")) and all(
            listed == sorted(listed) for listed in lists
        ):
            return "ascending"
        if (silent or said("sorted", "increasing", "descending")) and all(
            listed == sorted(listed, reverse=True) for listed in lists
        ):
            return "descending"
        return ""

    def _stated(self, name: str, seen_low: int, seen_high: int) -> Range | None:
        """The statement's range, unless an example breaks it (then it was misread)."""
        stated = self.constraints.ranges.get(base_name(name))
        if stated is None and (size := self.constraints.ranges.get(f"|{base_name(name)}|")) is not None:
            stated = Range(None if size.high is None else -size.high, size.high)
        if stated is None or (stated.low is not None and seen_low < stated.low):
            return None
        if stated.high is not None and (seen_high > stated.high or (stated.low or 0) > stated.high):
            return None
        return stated

    def _observed_upper(self, groups: Sequence[Group], column: int) -> Ref | None:
        """A variable that is never exceeded, and reached often enough not to be chance."""
        best: tuple[int, Ref] | None = None
        own = None if self.own is None else self.own + column
        width = min((len(environment) for environment, _ in groups), default=0)
        for variable in range(width):
            if own is not None and (variable == own or variable >= self.own_end()):
                continue
            tops = []
            for environment, tokens in groups:
                bound = environment[variable]
                if bound is None or any(not 0 <= int(token) <= bound for token in tokens):
                    break
                tops.append((max((int(token) for token in tokens), default=0), bound))
            else:
                near = any(top == bound or (own is not None and top < bound) for top, bound in tops if bound > 1)
                near = near or any(top * 10 >= bound * 7 for top, bound in tops if bound > 3)
                cyclic = own is not None and variable > own and all(top == bound for top, bound in tops)
                if near and not cyclic:
                    total = sum(bound for _, bound in tops)
                    if best is None or total < best[0]:
                        best = total, Ref(variable)
        return best[1] if best else None

    def own_end(self) -> int:
        """The number after the block's last variable."""
        return (self.own or 0) + self.width

    def _word(self, tokens: list[str], name: str, length: Ref | None) -> Field:
        sizes = [len(token) for token in tokens] or [1]
        alphabet = "".join(sorted({c for token in tokens for c in token}))[:MAX_ALPHABET]
        distinct = sorted(set(tokens))
        stated = self.constraints.ranges.get(f"|{base_name(name)}|") if name else None
        low, high = min(sizes), max(sizes)
        if stated is not None and (stated.low or 0) <= low and high <= (stated.high or high):
            low, high = max(stated.low or 0, 1), stated.high or high
        elif length is None and high > 1 and not (low == high and len(tokens) >= 3):
            low, high = 1, 2 * high
        repeated = len(tokens) >= 4 and 2 * len(distinct) <= len(tokens) and max(sizes) > 1
        fixed = length is None and len(distinct) <= 20 and (repeated or (max(sizes) == 1 and stated is None))
        return Field(
            "word",
            low,
            high,
            min(sizes),
            max(sizes),
            length,
            alphabet=alphabet,
            vocabulary=tuple(distinct) if fixed else (),
            balanced=bool(tokens) and max(sizes) > 1 and all(is_balanced(token) for token in tokens),
        )


def is_balanced(word: str) -> bool:
    """Whether the word is a bracket sequence and every bracket is closed in order."""
    expected: list[str] = []
    for c in word:
        if c in BRACKETS:
            expected.append(BRACKETS[c])
        elif not expected or expected.pop() != c:
            return False
    return not expected


def _default_range(seen_low: int, seen_high: int, has_statement: bool) -> tuple[int, int]:
    """A range for integers of which the statement says nothing readable."""
    if seen_low >= 0 and seen_high <= 3:
        return seen_low, seen_high
    high = seen_high if has_statement else 2 * seen_high
    if seen_low < 0:
        return -max(-seen_low, seen_high), max(-seen_low, high)
    return min(seen_low, 1), high


def _holds(ref: Ref, groups: Sequence[Group]) -> Ref | None:
    """The reference, unless an example breaks it; without its offset if that helps."""
    for candidate in (ref, Ref(ref.variable)):
        if all(
            (bound := candidate.value(environment)) is not None and all(int(token) <= bound for token in tokens)
            for environment, tokens in groups
        ):
            return candidate
    return None


def _length_ref(groups: Sequence[Group]) -> Ref | None:
    width = min(len(environment) for environment, _ in groups)
    for offset in (0, 1, -1):
        for variable in range(1, width):
            ref = Ref(variable, offset)
            if all(len(token) == ref.value(environment) for environment, tokens in groups for token in tokens):
                return ref
    return None


def _ascending(names: list[str], columns: list[list[Group]], constraints: Constraints) -> tuple[tuple[int, int], ...]:
    pairs = []
    for left in range(len(columns)):
        for right in range(len(columns)):
            if left == right:
                continue
            said = bool(names[left] and names[right]) and constraints.in_order(names[left], names[right])
            values = [
                (as_int(a), as_int(b))
                for (_, ls), (_, rs) in zip(columns[left], columns[right], strict=True)
                for a, b in zip(ls, rs, strict=True)
            ]
            kept = all(a is not None and b is not None and a <= b for a, b in values)
            if kept and (said or (right == left + 1 and len(values) >= 3 and not constraints.text)):
                pairs.append((left, right))
    return tuple(pairs)


def _graph(
    cases: list[tuple[Environment, list[Row]]], fields: tuple[Field, ...], constraints: Constraints
) -> Graph | None:
    if len(fields) < 2 or any(field.kind != "integer" or field.seen_low < 1 for field in fields[:2]):
        return None
    about = constraints.mentions("edge", "tree", "graph", "road", "vertices", "vertex", "connect", "node")
    vertices = fields[0].upper or fields[1].upper
    edges = [[(int(row[0]), int(row[1])) for row in rows] for _, rows in cases]
    sizes = [vertices.value(environment) if vertices else None for environment, _ in cases]
    if vertices is None or any(
        size is None or any(max(edge) > size for edge in listed) for size, listed in zip(sizes, edges, strict=True)
    ):
        return None
    connected = all(is_connected(size or 0, listed) for size, listed in zip(sizes, edges, strict=True))
    tree = connected and all(len(listed) == (size or 0) - 1 for size, listed in zip(sizes, edges, strict=True))
    if not (about or (tree and not constraints.text)):
        return None
    return Graph(
        vertices,
        tree=tree,
        connected=connected and (tree or constraints.mentions("connected") or not constraints.text),
        loops=any(u == v for listed in edges for u, v in listed),
        repeats=any(len({frozenset(edge) for edge in listed}) < len(listed) for listed in edges),
    )


def is_connected(vertices: int, edges: Sequence[tuple[int, int]]) -> bool:
    """Whether edges between 1..vertices join all of them (vertices ≤ 100,000, else False)."""
    if vertices > 100_000:
        return False
    leader = list(range(vertices + 1))

    def find(v: int) -> int:
        while leader[v] != v:
            leader[v] = leader[leader[v]]
            v = leader[v]
        return v

    parts = vertices
    for u, v in edges:
        a, b = find(u), find(v)
        if a != b:
            leader[a] = b
            parts -= 1
    return parts <= 1
