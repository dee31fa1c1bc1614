"""A Python parse tree as one canonical text, and the names in it, in one walk.

The text is that of Python 3.11's `ast.dump`, whatever Python this is, so keys made of it do not depend on that; made
here it takes half the time, and trees are most of what a candidate costs the driver.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

_WITH_DOCSTRINGS = frozenset({ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef})
_Fields = tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class Canon:
    """text: equal for programs with equal trees, docstrings aside. names: what it reads, binds, imports, and asks of
    objects."""

    text: str
    names: set[str]


def canon(tree: ast.Module, *, docstrings: bool) -> Canon:
    """docstrings: whether they are part of the text. Raises RecursionError for a tree that is too deep."""
    names: set[str] = set()
    return Canon(_writer(names, docstrings)(tree), names)


def _writer(names: set[str], docstrings: bool) -> Callable[[Any], str]:
    def write(node: Any) -> str:
        kind = node.__class__
        if kind is ast.Name:
            names.add(node.id)
            return f"Name(id={node.id!r}, ctx={node.ctx.__class__.__name__}())"
        if kind is ast.Constant and node.kind is None:
            return f"Constant(value={node.value!r})"
        if kind is ast.Attribute:
            names.add(node.attr)
            return f"Attribute(value={write(node.value)}, attr={node.attr!r}, ctx={node.ctx.__class__.__name__}())"
        if kind is ast.Call:
            return (
                f"Call(func={write(node.func)}, args=[{write_all(node.args)}], keywords=[{write_all(node.keywords)}])"
            )
        return write_other(node) if isinstance(node, ast.AST) else repr(node)

    def write_all(nodes: list[Any]) -> str:
        return ", ".join([write(node) for node in nodes]) if nodes else ""

    def write_other(node: Any) -> str:
        kind = node.__class__
        opening, fields = _plan(kind)
        if not fields:
            return f"{opening}()"
        if isinstance(node, ast.alias):
            names.add(node.name)
        parts = []
        for field, label, optional in fields:
            value = getattr(node, field)
            if not value and (field in _LATER or (optional and value is None)):
                continue
            if value.__class__ is list:
                if field == "body" and not docstrings and kind in _WITH_DOCSTRINGS:
                    value = _without_docstring(value)
                parts.append(f"{label}[{write_all(value)}]")
            else:
                parts.append(label + write(value))
        return f"{opening}({', '.join(parts)})"

    return write


@cache
def _plan(kind: type[ast.AST]) -> tuple[str, _Fields]:
    """The node's name, and per field its name, its label, and whether it is left out when None."""
    fields = tuple((name, f"{name}=", hasattr(kind, name)) for name in kind._fields)
    return kind.__name__, fields


_LATER = frozenset({"type_params", "default_value"})
"""Fields that Python 3.11 does not have: left out where they are empty."""


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return body[1:] or [ast.Pass()]
    return body
