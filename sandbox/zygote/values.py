"""Function mode: the text of a call's arguments in, the literal of the returned value out.

Runs in the candidate's process: what it writes is as untrusted as the candidate, and is judged outside.
"""

from __future__ import annotations

import ast
import json
from collections import deque
from typing import Any

_NON_FINITE = {"inf": float("inf"), "nan": float("nan"), "Infinity": float("inf"), "NaN": float("nan")}


class BadArguments(ValueError):
    """The argument text is no list of literals."""


class _NonFinite(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in _NON_FINITE:
            return ast.copy_location(ast.Constant(_NON_FINITE[node.id]), node)
        return node


def parse_arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    """`[2, 3], k=5` -> ([[2, 3]], {"k": 5}). Raises BadArguments."""
    if "\\" not in text:  # JSON and Python agree on everything else that both accept
        try:
            return json.loads(f"[{text}]"), {}
        except (ValueError, RecursionError):
            pass
    try:
        call = ast.parse(f"f({text}\n)", mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            raise BadArguments("more than one call's arguments")
        positional = [ast.literal_eval(_NonFinite().visit(node)) for node in call.args]
        named: dict[str, Any] = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                raise BadArguments("** is not a literal")
            if keyword.arg in named:
                raise BadArguments(f"{keyword.arg} is given twice")
            named[keyword.arg] = ast.literal_eval(_NonFinite().visit(keyword.value))
    except BadArguments:
        raise
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise BadArguments(f"{type(error).__name__}: {error}") from None
    return positional, named


def encode(value: Any) -> str:
    """The literal of a value; subclasses count as their base, sets are sorted. Raises TypeError."""
    pieces: list[str] = []
    try:
        _encode(value, pieces.append)
    except RecursionError:
        raise TypeError("cannot return a value nested this deeply") from None
    return "".join(pieces)


def _encode(value: Any, put: Any) -> None:
    # Base-class methods only: a candidate's subclass must not run code of its own in here by accident.
    if value is None or value is True or value is False:
        put(repr(value))
    elif isinstance(value, int):
        put(int.__repr__(value))
    elif isinstance(value, float):
        put(float.__repr__(value))
    elif isinstance(value, complex):
        put(complex.__repr__(value))
    elif isinstance(value, str):
        put(ascii(str.__str__(value)))
    elif isinstance(value, (bytes, bytearray)):
        put(repr(bytes(value)))
    elif isinstance(value, list):
        _encode_items("[", list.__iter__(value), "]", put)
    elif isinstance(value, deque):
        _encode_items("[", deque.__iter__(value), "]", put)
    elif isinstance(value, tuple):
        _encode_items("(", tuple.__iter__(value), ",)" if tuple.__len__(value) == 1 else ")", put)
    elif isinstance(value, dict):
        put("{")
        for i, (key, item) in enumerate(dict.items(value)):
            put(", " if i else "")
            _encode(key, put)
            put(": ")
            _encode(item, put)
        put("}")
    elif isinstance(value, (set, frozenset)):
        _encode_set(value, put)
    else:
        raise TypeError(f"cannot return {type(value).__name__}")


def _encode_items(opening: str, items: Any, closing: str, put: Any) -> None:
    put(opening)
    for i, item in enumerate(items):
        if i:
            put(", ")
        _encode(item, put)
    put(closing)


def _encode_set(value: set[Any] | frozenset[Any], put: Any) -> None:
    frozen = isinstance(value, frozenset)
    members: list[str] = []
    for item in frozenset.__iter__(value) if isinstance(value, frozenset) else set.__iter__(value):
        pieces: list[str] = []
        _encode(item, pieces.append)
        members.append("".join(pieces))
    if not members:
        put("frozenset()" if frozen else "set()")
        return
    body = "{" + ", ".join(sorted(members)) + "}"
    put(f"frozenset({body})" if frozen else body)
