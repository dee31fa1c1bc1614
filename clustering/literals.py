"""Function calls as text: the argument text `[2, 3], k=5` as values and back; nothing is evaluated but literals."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """Parsed arguments by position (int) or keyword (str), in order."""

    arguments: dict[int | str, Any]

    def text(self) -> str:
        parts = [
            render(value) if isinstance(name, int) else f"{name}={render(value)}"
            for name, value in self.arguments.items()
        ]
        return ", ".join(parts)


def parse_call(text: str) -> Call | None:
    """The arguments in `text`; None when they are not literals (inf and nan are)."""
    try:
        tree = ast.parse(f"f({text.strip()}\n)", mode="eval").body
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            return None
        arguments: dict[int | str, Any] = {i: _value(node) for i, node in enumerate(tree.args)}
        for keyword in tree.keywords:
            if keyword.arg is None or keyword.arg in arguments:
                return None
            arguments[keyword.arg] = _value(keyword.value)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None
    return Call(arguments) if arguments else None


def parse_literal(text: str) -> tuple[Any] | None:
    """The value that `text` writes down, in a tuple of one; None when it is no literal."""
    try:
        return (_value(ast.parse(text.strip(), mode="eval").body),)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Name(id="inf" | "nan" as name):
            return float(name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf" | "nan" as name)):
            return -float(name)
        case ast.List(elts=elements):
            return [_value(element) for element in elements]
        case ast.Tuple(elts=elements):
            return tuple(_value(element) for element in elements)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return {_value(k): _value(v) for k, v in zip(keys, values, strict=True) if k is not None}
        case _:
            return ast.literal_eval(node)


def render(value: Any) -> str:
    """A Python literal, the same for equal sets however they were built."""
    if isinstance(value, set):
        return "{" + ", ".join(sorted(render(item) for item in value)) + "}" if value else "set()"
    if isinstance(value, list):
        return "[" + ", ".join(render(item) for item in value) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(render(item) for item in value) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{render(k)}: {render(v)}" for k, v in value.items()) + "}"
    return repr(value)
