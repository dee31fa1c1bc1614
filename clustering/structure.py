"""The layout of an input, inferred from the examples: which numbers count which lines and tokens.

A layout is a sequence of blocks, optionally repeated under a "number of test cases" header. Layouts
are searched best first under a budget; each complete one that parses *all* examples to their very
end is costed by how much it leaves unexplained, and the cheapest wins. A relation seen with two
different sizes (an array of 3 after a 3, one of 5 after a 5) is worth more than one seen once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from clustering.tokens import as_int

Row = list[str]
Lines = Sequence[Sequence[str]]
Environment = list[int | None]
"""Values of the variables in order of appearance; None where a token is not an integer. Variable 0 is
the number of test cases (None without a header)."""

MAX_BLOCKS = 9
MAX_NODES = 700
MAX_COUNT = 1_000_000
MAX_WIDTH = 64
"""A line of more scalars than this is never taken for a fixed list of them."""


_State = tuple[Lines, int, Environment]
"""Where the search stands in one example: its lines, the next line, the variables so far."""


@dataclass(frozen=True, slots=True)
class Ref:
    """`factor` times the value of variable `variable`, plus `offset`."""

    variable: int
    offset: int = 0
    factor: int = 1

    @property
    def plain(self) -> bool:
        """Nothing but the variable."""
        return self.offset == 0 and self.factor == 1

    def value(self, environment: Environment) -> int | None:
        base = environment[self.variable] if self.variable < len(environment) else None
        return None if base is None else base * self.factor + self.offset


@dataclass(frozen=True, slots=True)
class Line:
    """A line of `width` scalars. Outside of Rows each scalar is a variable."""

    width: int


@dataclass(frozen=True, slots=True)
class Array:
    """A line of as many tokens as `length` says."""

    length: Ref


@dataclass(frozen=True, slots=True)
class Counted:
    """A line that begins with the number of the tokens that follow on it."""


@dataclass(frozen=True, slots=True)
class Free:
    """A line of any number of tokens."""


Item = Line | Array | Counted | Free


@dataclass(frozen=True, slots=True)
class Rows:
    """As many lines of one kind as `count` says."""

    count: Ref
    item: Item


Block = Item | Rows
Part = list[Row]
"""The lines of one block; exactly one, but for Rows."""


@dataclass(frozen=True, slots=True)
class Case:
    """One parsed test case: the lines of each block, and the variables."""

    parts: list[Part]
    environment: Environment


@dataclass(frozen=True, slots=True)
class Layout:
    """blocks: of one test case. repeated: a first line says how many test cases follow."""

    blocks: tuple[Block, ...]
    repeated: bool

    def first_variables(self) -> list[int]:
        """Per block, the number of its first variable (meaningful for Line blocks)."""
        numbers, following = [], 1
        for block in self.blocks:
            numbers.append(following)
            following += block.width if isinstance(block, Line) else 0
        return numbers


@dataclass(frozen=True, slots=True)
class Parsed:
    """A layout and the examples parsed by it: a list of test cases each (one, unless repeated)."""

    layout: Layout
    examples: list[list[Case]]


def infer_layout(examples: Sequence[Lines], *, test_cases_hint: bool | None = None) -> Parsed | None:
    """The cheapest layout that explains every example (lists of lines of tokens), or None.

    test_cases_hint: whether the statement speaks of test cases; None when there is no statement.
    """
    if not examples or any(not lines for lines in examples):
        return None
    best: tuple[float, Parsed] | None = None
    for repeated in (True, False):
        if repeated and not all(_is_header(lines) for lines in examples):
            continue
        surcharge = _header_cost(examples, test_cases_hint) if repeated else 0.0
        for bound, blocks in _search(examples, repeated):
            if best is not None and bound + surcharge >= best[0]:
                break
            parsed = _parse(Layout(blocks, repeated), examples)
            if parsed is None:
                continue
            cost = _cost(parsed) + surcharge
            if best is None or cost < best[0]:
                best = cost, parsed
    return best[1] if best else None


def has_layout(layout: Layout, lines: Lines) -> bool:
    """Whether an input, as lines of tokens, is of this layout."""
    if not lines or (layout.repeated and not _is_header(lines)):
        return False
    return _parse(layout, [lines]) is not None


def _is_header(lines: Lines) -> bool:
    count = as_int(lines[0][0]) if len(lines[0]) == 1 else None
    return count is not None and 1 <= count <= len(lines) - 1


def _parse(layout: Layout, examples: Sequence[Lines]) -> Parsed | None:
    parsed = []
    for lines in examples:
        repeats, at = (as_int(lines[0][0]) or 0, 1) if layout.repeated else (1, 0)
        header = repeats if layout.repeated else None
        cases = []
        for _ in range(repeats):
            read = _parse_case(layout.blocks, lines, at, header)
            if read is None:
                return None
            case, at = read
            cases.append(case)
        if at != len(lines):
            return None
        parsed.append(cases)
    return Parsed(layout, parsed)


def _parse_case(blocks: Iterable[Block], lines: Lines, at: int, header: int | None) -> tuple[Case, int] | None:
    case = Case([], [header])
    for block in blocks:
        step = _take(block, lines, at, case.environment)
        if step is None:
            return None
        part, at = step
        case.parts.append(part)
        if isinstance(block, Line):
            case.environment.extend(as_int(token) for token in part[0])
    return case, at


def _take(block: Block, lines: Lines, at: int, environment: Environment) -> tuple[Part, int] | None:
    """The lines of `block` at line `at` and the line after them; None where it does not fit."""
    count: int | None = 1
    item: Block = block
    if isinstance(block, Rows):
        count, item = block.count.value(environment), block.item
    if count is None or not 0 <= count <= len(lines) - at:
        return None
    part = [list(line) for line in lines[at : at + count]]
    return (part, at + count) if all(_fits(item, row, environment) for row in part) else None


def _fits(item: Block, row: Row, environment: Environment) -> bool:
    match item:
        case Line(width):
            return len(row) == width
        case Array(length):
            return len(row) == length.value(environment)
        case Counted():
            return bool(row) and as_int(row[0]) == len(row) - 1
        case _:
            return True


def _search(examples: Sequence[Lines], repeated: bool) -> Iterator[tuple[float, tuple[Block, ...]]]:
    """Complete candidate layouts, cheapest lower bound of the cost first. Without a header a candidate
    consumes every example; with one it is proposed at every depth, and tried on all test cases."""
    start = [(lines, int(repeated), [as_int(lines[0][0]) if repeated else None]) for lines in examples]
    queue: list[tuple[float, int, tuple[Block, ...], list[_State]]] = []
    pushed = 0
    bound = 0.0
    blocks: tuple[Block, ...] = ()
    states = start
    for _ in range(MAX_NODES):
        following = _advance(blocks[-1], states) if blocks else states
        if following is not None:
            ended = [at == len(lines) for lines, at, _ in following]
            if blocks and (repeated or all(ended)):
                yield bound, blocks
            if not all(ended) and len(blocks) < MAX_BLOCKS:
                for block in _options(following):
                    pushed += 1
                    heappush(queue, (bound + _least_cost(block), pushed, (*blocks, block), following))
        if not queue:
            return
        bound, _, blocks, states = heappop(queue)


def _advance(block: Block, states: list[_State]) -> list[_State] | None:
    following = []
    for lines, at, environment in states:
        step = _take(block, lines, at, environment)
        if step is None:
            return None
        scalars = [as_int(token) for token in step[0][0]] if isinstance(block, Line) else []
        following.append((lines, step[1], environment + scalars))
    return following


def _options(states: list[_State]) -> Iterator[Block]:
    """What the next block may be, given the next lines of all examples."""
    environments = [environment for _, _, environment in states]
    for count in _refs(environments, [None] * len(states)):
        counts = [count.value(environment) or 0 for environment in environments]
        left = [len(lines) - at for lines, at, _ in states]
        if max(counts) < 1 or any(n > lines for n, lines in zip(counts, left, strict=True)):
            continue
        taken = [lines[at : at + n] for n, (lines, at, _) in zip(counts, states, strict=True)]
        for item in _item_options(taken, environments):
            yield Rows(count, item)
    if all(at < len(lines) for lines, at, _ in states):
        yield from _item_options([[lines[at]] for lines, at, _ in states], environments)


def _item_options(groups: Sequence[Lines], environments: list[Environment]) -> Iterator[Item]:
    """Kinds of line that all lines of all groups (one group per example) may be."""
    widths: list[int | None] = []
    for group in groups:
        seen = {len(row) for row in group}
        widths.append(seen.pop() if len(seen) == 1 else -1 if seen else None)
    known = {width for width in widths if width is not None}
    if -1 not in known:
        for length in (*_refs(environments, widths), *_refs(environments, widths, factor=2)):
            yield Array(length)
        if len(known) == 1 and max(known) <= MAX_WIDTH:
            yield Line(known.pop())
    lines = [row for group in groups for row in group]
    if all(row and as_int(row[0]) == len(row) - 1 for row in lines) and any(len(row) > 1 for row in lines):
        yield Counted()
    if any(len(row) != len(lines[0]) for row in lines):
        yield Free()


def _refs(environments: list[Environment], wanted: Sequence[int | None], factor: int = 1) -> Iterator[Ref]:
    """Variables that, times the factor and with an offset of 0, -1 or 1, have the wanted value in every example (None:
    any). Multiples have no offset."""
    width = min(len(environment) for environment in environments)
    for offset in (0, -1, 1) if factor == 1 else (0,):
        for variable in range(1, width):
            values = [environment[variable] for environment in environments]
            if all(
                value is not None
                and 0 <= value * factor + offset <= MAX_COUNT
                and want in (None, value * factor + offset)
                for value, want in zip(values, wanted, strict=True)
            ):
                yield Ref(variable, offset, factor)


def _header_cost(examples: Sequence[Lines], hint: bool | None) -> float:
    if hint:
        return -1.5
    unproven = 2.0 if all(as_int(lines[0][0]) == 1 for lines in examples) else 0.0
    return 1.0 + unproven + (1.5 if hint is False else 0.0)


def _cost(parsed: Parsed) -> float:
    """The lower bound plus what the relations of the layout leave to coincidence, plus columns that mix
    numbers and words, plus a little for counting by a variable that already counts something, or by
    another one than that of a lone number in the line before."""
    cases = [case for example in parsed.examples for case in example]
    cost = 0.0
    counters: list[int] = []
    firsts = parsed.layout.first_variables()
    for index, block in enumerate(parsed.layout.blocks):
        cost += _least_cost(block)
        parts = [case.parts[index] for case in cases]
        if index and parsed.layout.blocks[index - 1] == Line(1) and not isinstance(block, Line):
            refs = [block.count] if isinstance(block, Rows) else [block.length] if isinstance(block, Array) else []
            cost += 0.3 * any(ref.variable != firsts[index - 1] for ref in refs)
        item: Block = block
        if isinstance(block, Rows):
            item = block.item
            counters.append(block.count.variable)
            cost += _doubt({len(part) for part in parts})
        rows = [row for part in parts for row in part]
        if isinstance(item, Array):
            counters.append(item.length.variable)
            cost += _doubt({len(row) for row in rows}) * (2.0 if item is not block else 1.0)
        if isinstance(item, Counted):
            cost += 1.2 * (len({len(row) for row in rows}) == 1)
        if isinstance(item, Line):
            cost += 2.5 * sum(_mixed([row[column] for row in rows]) for column in range(item.width))
    return cost + 0.15 * (len(counters) - len(set(counters)))


def _mixed(tokens: list[str]) -> bool:
    """Numbers and real words in one column; `007` and `1.5` may stand among numbers."""
    wordy = any(not any(c.isdigit() for c in token) for token in tokens)
    return wordy and any(as_int(token) is not None for token in tokens)


def _least_cost(block: Block) -> float:
    match block:
        case Line(width):
            return 1.0 + 0.4 * width
        case Array(length):
            return 1.0 + (0.0 if length.plain else 0.8)
        case Counted():
            return 1.3
        case Free():
            return 5.0
        case Rows(count, item):
            wide = 0.0 if not isinstance(item, Array) or item.length.plain else 0.7
            return 0.4 + (0.0 if count.plain else 0.7) + wide + _least_cost(item)


def _doubt(sizes: set[int]) -> float:
    """Coincidence is likely when only one, small size was ever seen."""
    if len(sizes) >= 2:
        return 0.0
    return {0: 2.0, 1: 1.4, 2: 1.0}.get(next(iter(sizes), 0), 0.5)
