"""Ranges and names that a statement gives in words: `1 ≤ n ≤ 2 ⋅ 10^5`, "two integers n and m".

Reads plain text, Markdown and LaTeX. It is a reader of conventions, not of English: what it cannot
read it leaves out, and the caller falls back on the values seen in the examples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

MAX_STATEMENT = 20_000
"""Characters read; statements are a few thousand, anything beyond is hostile or not a statement."""

_LE = r"\\leqslant|\\leq|\\le(?![a-z])|≤|⩽|≦|&le;|&lt;="
_TIMES = r"\\cdot|\\times|×|⋅|·|∙"
_NUMBER = r"-?\d{1,30}(?:\^\d{1,3})?(?:\s?\*\s?\d{1,30}(?:\^\d{1,3})?)?(?:\s?[+-]\s?1(?!\d))?"
_NAME = r"\|?[A-Za-z][A-Za-z]?(?:_[A-Za-z0-9]+(?:,[A-Za-z0-9]+)?)?\|?"
_NAMES = rf"{_NAME}(?:\s?,\s?{_NAME}){{0,8}}"
_TERM = rf"(?:{_NUMBER}|{_NAMES})"
_CHAIN = re.compile(rf"(?<![\w^*]){_TERM}(?:\s?(?:<=|<)\s?{_TERM}){{1,6}}")
_LINK = re.compile(r"\s?(<=|<)\s?")
_INTRODUCTION = re.compile(
    r"\b(?i:integers?|numbers?|strings?|words?|characters?|letters?|values?)[ :]+"
    rf"({_NAME}(?:[ ,]+(?:and )?{_NAME}){{0,9}})"
    rf"(?=[ ,.;:(\n]|$)"
)
_NOT_NAMES = frozenset(["in", "of", "is", "to", "on", "or", "by", "if", "we", "as", "at", "it", "an", "so", "no"])


@dataclass(frozen=True, slots=True)
class Range:
    """An inclusive integer range; the variable `high_name`, plus `high_offset`, also bounds it from above."""

    low: int | None = None
    high: int | None = None
    high_name: str = ""
    high_offset: int = 0


@dataclass(frozen=True, slots=True)
class Constraints:
    """ranges: by variable name without index (`a` for `a_i`; `|s|` is a length or an absolute value).
    introductions: the variable names of each "integers n and m", in the order of the input section.
    orders: pairs of names, with their indices, of which the first is never the larger."""

    ranges: dict[str, Range] = field(default_factory=dict)
    introductions: tuple[tuple[str, ...], ...] = ()
    orders: frozenset[tuple[str, str]] = frozenset()
    text: str = ""

    def in_order(self, left: str, right: str) -> bool:
        """Whether the statement says left ≤ right (`l_i <= r_i`, `x_1 < x_2`)."""
        return (left, right) in self.orders or (base_name(left), base_name(right)) in self.orders

    def mentions(self, *words: str) -> bool:
        """Whether one of the words occurs in the statement (given in lower case)."""
        return any(word in self.text for word in words)


def read_constraints(statement: str) -> Constraints:
    """What can be read of `statement` (its first 20,000 characters); never raises."""
    text = _normalise(statement[:MAX_STATEMENT])
    start = re.search(r"(?im)^\W*(?:the )?input\b", text)
    section = text[start.start() :] if start else text
    end = re.search(r"(?im)^\W*(?:output|examples?|sample input|note)\b\W*$", section)
    if end:
        section = section[: end.start()]
    ranges: dict[str, Range] = {}
    orders: set[tuple[str, str]] = set()
    for part in (section, text):
        for chain in _CHAIN.finditer(part):
            after = re.match(r"\s?([+-])\s?(\d{1,3})(?!\d)", part[chain.end() : chain.end() + 8])
            shift = int(after.group(1) + after.group(2)) if after else 0
            orders |= _read_orders(chain.group(0))
            for name, found in _read_chain(chain.group(0), shift):
                ranges.setdefault(name, found)
    introductions = tuple(_names(match.group(1)) for match in _INTRODUCTION.finditer(section))
    named = tuple(names for names in introductions if names)
    return Constraints(ranges, named, frozenset(orders), text.lower())


def _normalise(statement: str) -> str:
    text = re.sub(_LE, "<=", statement)
    text = re.sub(r"&lt;|\\lt(?![a-z])", "<", text)
    text = re.sub(_TIMES, "*", text)
    text = text.replace("−", "-").replace("{,}", "").replace("\\,", "").replace("**", "^")
    text = re.sub(r"\\(?:ldots|dots|cdots)|…|\.\.\.", " ", text)
    text = re.sub(r"[${}`\\]", "", text)
    text = re.sub(r"(?<=\d)[ ,](?=\d{3}(?!\d))", "", text)
    return re.sub(r"[ \t]+", " ", text)


def base_name(name: str) -> str:
    """`a` for `a_i` and `a_{i,j}`; `|s|` for `|s_i|`."""
    bare = name.strip("|").split("_")[0]
    return f"|{bare}|" if name.startswith("|") else bare


def _names(listing: str) -> tuple[str, ...]:
    names = [word for word in re.split(r"[ ,]+", listing) if word and word not in ("and", "a", "an")]
    known = []
    for name in names:
        if name in _NOT_NAMES or not re.fullmatch(_NAME, name):
            break
        known.append(name)
    return tuple(known)


def _read_chain(chain: str, shift: int) -> list[tuple[str, Range]]:
    """The ranges in `1 <= m <= n <= 500` or `0 <= a_i, b_i < 10`, name by name. `shift` is what the
    text adds to the last term: -1 in `k <= n - 1`."""
    pieces = _LINK.split(chain)
    terms, links = pieces[0::2], pieces[1::2]
    numbers = [_value(term) for term in terms]
    found = []
    for index, term in enumerate(terms):
        if not _is_name(term):
            continue
        low = high = None
        for left in range(index - 1, -1, -1):
            if (value := numbers[left]) is not None:
                low = value + links[left:index].count("<")
                break
        for right in range(index + 1, len(terms)):
            if (value := numbers[right]) is not None:
                high = value - links[index:right].count("<")
                break
        following = terms[index + 1] if index + 1 < len(terms) and _is_name(terms[index + 1]) else ""
        high_name = base_name(following) if following and "," not in following else ""
        strict = links[index] == "<" if high_name else False
        high_offset = (shift if index + 2 == len(terms) else 0) - strict if high_name else 0
        if high is None and not high_name:
            continue
        for name in re.split(r"\s?,\s?", term):
            if not name or name.isdigit():
                continue
            found.append((base_name(name), Range(low, high, high_name, high_offset)))
    return found


def _is_name(term: str) -> bool:
    return term[:1].isalpha() or term[:1] == "|"


def _read_orders(chain: str) -> set[tuple[str, str]]:
    """Neighbouring single names of a chain, with their indices and, where they differ, without."""
    terms = _LINK.split(chain)[0::2]
    orders = set()
    for left, right in pairwise(terms):
        if all(re.fullmatch(_NAME, term) and not term.startswith("|") for term in (left, right)):
            orders.add((left, right))
            if base_name(left) != base_name(right):
                orders.add((base_name(left), base_name(right)))
    return orders


def _value(term: str) -> int | None:
    """The number a term stands for; None for a name or a power out of reason."""
    if not re.fullmatch(_NUMBER, term):
        return None
    bare = term.replace(" ", "")
    sign = -1 if bare.startswith("-") else 1
    product, shift = 1, 0
    body = bare.lstrip("-")
    if (tail := re.search(r"[+-]1$", body)) and tail.start() > 0:
        shift, body = int(tail.group(0)), body[: tail.start()]
    for factor in body.split("*"):
        base, _, exponent = factor.partition("^")
        if exponent and (int(exponent) > 64 or len(base) > 3):
            return None
        product *= int(base) ** int(exponent or 1)
    return sign * product + shift
