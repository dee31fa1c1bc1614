"""Python literals of hostile origin: parsed without recursion, compared as values.

Lists and tuples are the same thing here, and so are equal ints and floats; bools are not ints. Not covered:
f-strings, triple quotes, adjacent strings, expressions: those are `MalformedLiteral`, and the caller compares
text instead. `ast.literal_eval` is not used because it spends hundreds of bytes a node and recurses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

MAX_CHARS = 4 * 2**20
MAX_DEPTH = 100

_MAX_FLOAT_CHARS = 1024  # float() of a million digits takes quadratic time
_MAX_INT_BITS = 14_000  # int() refuses longer decimals on its own; this holds hexadecimals to the same
_DIGITS = r"[0-9][0-9_]*+"
_NUMERAL = rf"(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
_TOKEN = re.compile(
    rf"""\s*+(?:
      (?P<complex>\(\s*[+-]?(?:{_NUMERAL}|inf|nan)\s*[+-]\s*(?:{_NUMERAL}|inf|nan)[jJ]\s*\)|[+-]?{_NUMERAL}[jJ])
    | (?P<int>[+-]?(?:0[xX][0-9a-fA-F_]++|0[bB][01_]++|0[oO][0-7_]++|{_DIGITS}(?![.eE])))
    | (?P<float>[+-]?(?:{_NUMERAL}|inf\b|nan\b))
    | (?P<string>[bBrRuU]{{0,2}}(?:'(?:[^'\\\n]++|\\.)*+'|"(?:[^"\\\n]++|\\.)*+"))
    | (?P<open>frozenset\(|set\(|[\[({{])
    | (?P<close>[\])}}])
    | (?P<name>(?:True|False|None)\b)
    | (?P<comma>,)
    | (?P<colon>:)
    )""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {"[": "]", "(": ")", "{": "}", "set(": ")", "frozenset(": ")"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|.)", re.DOTALL)
_ESCAPES = {
    **dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)),
    **{"\\": "\\", "'": "'", '"': '"', "\n": ""},
}
_NAMES = {"True": True, "False": False, "None": None}


class MalformedLiteral(ValueError):
    """Not a literal, or beyond MAX_CHARS or MAX_DEPTH."""


@dataclass(frozen=True, slots=True)
class Items:
    """A set or a dict; its members (a dict's are (key, value) pairs) are distinct and in canonical order."""

    kind: str
    members: tuple[Any, ...]


@dataclass(slots=True)
class _Frame:
    opener: str
    items: list[Any] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)
    full: bool = False  # a value stands where a comma or the end must follow
    commas: int = 0


def parse_literal(text: str, *, fold_case: bool = False) -> Any:
    """The value of a literal: None, bool, int, float, complex, str, bytes, tuple (of lists too) or Items.

    fold_case lowers strings. Raises MalformedLiteral.
    """
    if len(text) > MAX_CHARS:
        raise MalformedLiteral(f"more than {MAX_CHARS} characters")
    text = text.strip()
    root = _Frame("")
    stack = [root]
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise MalformedLiteral(f"unexpected text at character {position}")
        position = token.end()
        kind, spelling = str(token.lastgroup), token[str(token.lastgroup)]
        if kind == "open":
            if stack[-1].full or len(stack) > MAX_DEPTH:
                raise MalformedLiteral("nested too deeply or a comma is missing")
            stack.append(_Frame(spelling))
        elif kind == "close":
            frame = stack.pop()
            if not stack or _CLOSES[frame.opener] != spelling:
                raise MalformedLiteral("brackets do not match")
            _add(stack[-1], _close(frame))
        elif kind == "comma":
            _comma(stack[-1])
        elif kind == "colon":
            _colon(stack[-1])
        else:
            _add(stack[-1], _atom(kind, spelling, fold_case))
    if len(stack) != 1 or not root.items:
        raise MalformedLiteral("ends too early")
    return tuple(root.items) if root.commas else root.items[0]


def same_value(expected: Any, actual: Any, close: Callable[[float, float], bool]) -> bool:
    """Whether two parsed literals are equal; `close(expected, actual)` decides where a float takes part."""
    if isinstance(expected, tuple) and isinstance(actual, tuple):
        return len(expected) == len(actual) and all(
            same_value(e, a, close) for e, a in zip(expected, actual, strict=True)
        )
    if isinstance(expected, Items) and isinstance(actual, Items):
        return expected.kind == actual.kind and same_value(expected.members, actual.members, close)
    if _is_number(expected) and _is_number(actual):
        return _same_number(expected, actual, close)
    return type(expected) is type(actual) and bool(expected == actual)


def canonical(value: Any, round_float: Callable[[float], str] = repr) -> str:
    """One text per value; whole floats are spelt as ints, other floats by `round_float`."""
    if isinstance(value, tuple):
        return "[" + ",".join(canonical(item, round_float) for item in value) + "]"
    if isinstance(value, Items):
        return value.kind + "{" + ",".join(canonical(item, round_float) for item in value.members) + "}"
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 2**53
        return str(int(value)) if whole else round_float(value)
    if isinstance(value, complex):
        if not value.imag:
            return canonical(value.real, round_float)
        return f"({canonical(value.real, round_float)},{canonical(value.imag, round_float)}j)"
    return ascii(value)


def _add(frame: _Frame, value: Any) -> None:
    if frame.full:
        raise MalformedLiteral("a comma is missing")
    frame.items.append(value)
    frame.full = True


def _comma(frame: _Frame) -> None:
    if not frame.full or (frame.keys and len(frame.keys) != len(frame.items)):
        raise MalformedLiteral("unexpected comma")
    frame.full = False
    frame.commas += 1


def _colon(frame: _Frame) -> None:
    if not frame.full or frame.opener != "{" or len(frame.keys) != len(frame.items) - 1:
        raise MalformedLiteral("unexpected colon")
    frame.keys.append(frame.items.pop())
    frame.full = False


def _close(frame: _Frame) -> Any:
    if frame.opener in ("set(", "frozenset("):
        return _set_call(frame)
    if frame.opener == "{":
        if frame.keys or not frame.items:
            if len(frame.keys) != len(frame.items):
                raise MalformedLiteral("a dict value is missing")
            return _items("dict", zip(frame.keys, frame.items, strict=True))
        return _items("set", frame.items)
    if frame.opener == "(" and len(frame.items) == 1 and not frame.commas:
        return frame.items[0]
    return tuple(frame.items)


def _set_call(frame: _Frame) -> Items:
    if not frame.items:
        return Items("set", ())
    argument = frame.items[0]
    if len(frame.items) > 1 or not isinstance(argument, (tuple, Items)):
        raise MalformedLiteral("set() of something else than a collection")
    return _items("set", argument if isinstance(argument, tuple) else argument.members)


def _items(kind: str, members: Iterable[Any]) -> Items:
    unique: dict[tuple[str, float, str], Any] = {}
    for member in members:
        unique[_order(member[0] if kind == "dict" else member)] = member
    return Items(kind, tuple(unique[key] for key in sorted(unique)))


def _order(value: Any) -> tuple[str, float, str]:
    # Numbers sort by size, so that two sets of nearly equal floats line up.
    if _is_number(value) and not isinstance(value, complex):
        size = _as_float(value)
        return "number", 0.0 if math.isnan(size) else size, canonical(value)
    return type(value).__name__, 0.0, canonical(value)


def _atom(kind: str, spelling: str, fold_case: bool) -> Any:
    if kind == "name":
        return _NAMES[spelling]
    try:
        if kind == "string":
            value = _string(spelling)
            return value.lower() if fold_case else value
        if kind == "int":
            number = int(spelling, 0)
            if number.bit_length() > _MAX_INT_BITS:
                raise MalformedLiteral("an integer is too long")
            return number
        if len(spelling) > _MAX_FLOAT_CHARS:
            raise MalformedLiteral("a number is too long")
        return float(spelling) if kind == "float" else complex("".join(spelling.split()))
    except (ValueError, OverflowError) as error:
        raise MalformedLiteral(f"bad {kind}") from error


def _string(spelling: str) -> str | bytes:
    prefix = spelling[: len(spelling) - len(spelling.lstrip("bBrRuU"))].lower()
    if prefix not in ("", "b", "r", "u", "br", "rb"):
        raise MalformedLiteral("bad string prefix")
    body = spelling[len(prefix) + 1 : -1]
    if "\\" in body and "r" not in prefix:
        body = _ESCAPE.sub(_unescaped, body)
    # Bytes hold no other characters than Latin-1's; encode() raises a ValueError for the rest.
    return body.encode("latin-1") if "b" in prefix else body


def _unescaped(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) > 1 and escape[0] in "xuU":
        return chr(int(escape[1:], 16))
    if escape[0] in "01234567":
        return chr(int(escape, 8))
    if escape in "xuUN":
        raise MalformedLiteral("bad escape")
    return _ESCAPES.get(escape, match[0])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex)) and not isinstance(value, bool)


def _same_number(expected: float | complex, actual: float | complex, close: Callable[[float, float], bool]) -> bool:
    if isinstance(expected, int) and isinstance(actual, int):
        return expected == actual
    if isinstance(expected, complex) or isinstance(actual, complex):
        left, right = complex(expected), complex(actual)
        return close(left.real, right.real) and close(left.imag, right.imag)
    return close(_as_float(expected), _as_float(actual))


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
