"""Parameter types of a C++ function and Python values of those types, written for the harness to read.

Covers what translated Python signatures use: numbers, strings, standard containers, `optional`, `tuple`, `any`.
Not covered: pointers, `variant`, classes; a signature with one of them has no calls that can be made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_INTEGERS = {
    "long": 63, "long long": 63, "int64_t": 63, "int": 31, "int32_t": 31, "short": 15, "size_t": 63, "unsigned": 31,
    "unsigned int": 31, "unsigned long": 63, "long int": 63, "long long int": 63, "unsigned long long": 63,
}  # fmt: skip
_UNSIGNED = frozenset(["size_t", "unsigned", "unsigned int", "unsigned long", "unsigned long long"])
_FLOATS = frozenset(["float", "double", "long double"])
_LISTS = frozenset(["vector", "deque", "list"])
_SETS = frozenset(["set", "unordered_set"])
_MAPS = frozenset(["map", "unordered_map"])
_COUNTS = {"optional": 1, "pair": 2, **dict.fromkeys([*_LISTS, *_SETS], 1), **dict.fromkeys(_MAPS, 2)}
_PLAIN = frozenset(["bool", "string", "any", *_INTEGERS, *_FLOATS])
_HEADER = re.compile(r"([A-Za-z_]\w*)\s*\(")
_TOKEN = re.compile(r"\s*([A-Za-z_][\w ]*|[<>,])")


class Inexpressible(ValueError):
    """A signature or a value that cannot be carried over to C++."""


@dataclass(frozen=True, slots=True)
class CppType:
    """`std::map<std::string, long>` is name `map` with two arguments."""

    name: str
    arguments: tuple[CppType, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """spelling: the type as a declaration of a local variable needs it."""

    name: str
    type: CppType
    spelling: str


@dataclass(frozen=True, slots=True)
class Signature:
    """A function as its prompt declares it."""

    name: str
    parameters: tuple[Parameter, ...]


def read_signature(prompt: str) -> Signature:
    """The function that the last line of the prompt opens. Raises Inexpressible."""
    line = prompt.rstrip().rpartition("\n")[2]
    header = _HEADER.search(line)
    end = line.rfind(")")
    if header is None or end < header.end():
        raise Inexpressible(f"no function begins in {line[:80]!r}")
    declared = _split(line[header.end() : end])
    return Signature(header[1], tuple(map(_parameter, declared)))


def _split(text: str) -> list[str]:
    """At the commas that stand outside of `<>`."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _parameter(text: str) -> Parameter:
    found = re.fullmatch(r"(.*[\s>&])([A-Za-z_]\w*)", text)
    if found is None:
        raise Inexpressible(f"no parameter with a name: {text[:80]!r}")
    spelling = re.sub(r"\bconst\b|&", " ", found[1]).strip()
    return Parameter(found[2], parse_type(spelling), spelling)


def parse_type(spelling: str) -> CppType:
    """Raises Inexpressible for a type that is not covered."""
    text = spelling.replace("std::", "")
    tokens = [token.strip() for token in _TOKEN.findall(text)]
    if "".join(tokens).replace(" ", "") != text.replace(" ", ""):
        raise Inexpressible(f"unknown type {spelling[:80]!r}")
    found, rest = _type(tokens)
    if rest:
        raise Inexpressible(f"unknown type {spelling[:80]!r}")
    return found


def _type(tokens: list[str]) -> tuple[CppType, list[str]]:
    if not tokens:
        raise Inexpressible("a type is missing")
    name, rest = tokens[0], tokens[1:]
    if name in _PLAIN:
        return CppType(name), rest
    if rest[:1] != ["<"] or name not in (*_COUNTS, "tuple"):
        raise Inexpressible(f"unknown type {name[:80]!r}")
    arguments: list[CppType] = []
    while rest[:1] in (["<"], [","]):
        argument, rest = _type(rest[1:])
        arguments.append(argument)
    if rest[:1] != [">"] or len(arguments) != _COUNTS.get(name, len(arguments)):
        raise Inexpressible(f"wrong arguments of {name}")
    return CppType(name, tuple(arguments)), rest[1:]


def encode(value: Any, wanted: CppType) -> bytes:
    """The value as the harness reads it. Raises Inexpressible where Python's value is not of the C++ type."""
    name, inner = wanted.name, wanted.arguments
    if name == "any":
        return _any(value)
    if name == "optional":
        return b"0 " if value is None else b"1 " + encode(value, inner[0])
    if name == "bool" and isinstance(value, bool):
        return b"%d " % value
    if name in _INTEGERS and isinstance(value, int):
        if not -(2 ** _INTEGERS[name]) <= value < 2 ** _INTEGERS[name] or (value < 0 and name in _UNSIGNED):
            raise Inexpressible(f"{value!r:.40} does not fit {name}")
        return b"%d " % value
    if name in _FLOATS and isinstance(value, int | float):
        return repr(_as_float(value)).encode() + b" "
    if name == "string" and isinstance(value, str):
        return _bytes(value)
    if name in _LISTS and isinstance(value, list | tuple):
        return _counted([encode(item, inner[0]) for item in value])
    if name in _SETS and isinstance(value, set | frozenset):
        return _counted(sorted(encode(item, inner[0]) for item in value))
    if name in _MAPS and isinstance(value, dict):
        return _counted([encode(k, inner[0]) + encode(v, inner[1]) for k, v in value.items()])
    if name in ("tuple", "pair") and isinstance(value, list | tuple) and len(value) == len(inner):
        return b"".join(encode(item, kind) for item, kind in zip(value, inner, strict=True))
    raise Inexpressible(f"a {type(value).__name__} is no {name}")


def _any(value: Any) -> bytes:
    """As literals in a translated test would be: an int, a double, a pointer to letters."""
    if value is None:
        return b"none "
    if isinstance(value, bool):
        return b"bool %d " % value
    if isinstance(value, int):
        name = "int" if -(2**31) <= value < 2**31 else "long"
        return name.encode() + b" " + encode(value, CppType(name))
    if isinstance(value, float):
        return b"double " + encode(value, CppType("double"))
    if isinstance(value, str):
        return b"string " + _bytes(value)
    if isinstance(value, list | tuple):
        return b"list " + _counted([_any(item) for item in value])
    raise Inexpressible(f"a {type(value).__name__} in an any")


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Inexpressible("too large for a float") from None


def _bytes(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return b"%d " % len(raw) + raw + b" "


def _counted(parts: list[bytes]) -> bytes:
    return b"%d " % len(parts) + b"".join(parts)
