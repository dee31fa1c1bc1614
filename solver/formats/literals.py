"""Literals and call arguments as statements write them, turned into Python literals.

`true`, `false`, `null`, `Infinity` and `NaN` are understood; anything that would have to be evaluated is refused.
"""

from __future__ import annotations

import ast
import re
import warnings

MAX_LITERAL_CHARS = 2**20

_NAMES = {"true": "True", "false": "False", "null": "None", "Infinity": "inf", "NaN": "nan"}
_PYTHON_NAMES = {"inf", "nan"}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_WORD = re.compile(
    r"[+-]?(?:\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?j?|\.\d+|inf|nan)\b|(?:True|False|None|true|false|null)\b"
)
_STRING = re.compile(r"""[bBrRuU]{0,2}(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""")
_BRACKET_OR_QUOTE = re.compile(r"""[()\[\]{}'"]""")


def literal(text: str) -> str | None:
    """`text` as a canonical Python literal, or None when it is none."""
    try:
        node = _parse(text.strip())
        return ast.unparse(_literal_node(node.body))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def call_arguments(text: str) -> list[tuple[str, str]] | None:
    """`[1,2], k=true` as [("", "[1, 2]"), ("k", "True")]; None when it is not a list of literal arguments."""
    try:
        call = _parse(f"f({text}\n)").body
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            return None
        found = [("", ast.unparse(_literal_node(node))) for node in call.args]
        found += [(word.arg or "**", ast.unparse(_literal_node(word.value))) for word in call.keywords]
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    names = [name for name, _ in found if name]
    return None if "**" in names or len(names) != len(set(names)) else found


def is_call_arguments(text: str) -> bool:
    """Whether `text` can stand between the parentheses of a call; no arguments at all can."""
    return call_arguments(text) is not None


def argument_text(arguments: list[tuple[str, str]]) -> str:
    """The inverse of `call_arguments`."""
    return ", ".join(f"{name} = {value}" if name else value for name, value in arguments)


def literal_end(text: str, start: int = 0, limit: int = MAX_LITERAL_CHARS) -> int | None:
    """Where the literal that begins at `start` ends, whatever follows it; None when none begins there."""
    if start < len(text) and text[start] in _CLOSING:
        return bracket_end(text, start, limit)
    atom = _STRING.match(text, start, start + limit) or _WORD.match(text, start, start + limit)
    return atom.end() if atom else None


def bracket_end(text: str, start: int, limit: int = MAX_LITERAL_CHARS) -> int | None:
    """The position after the bracket that closes the one at `start`; strings are skipped.

    None when it is not closed within `limit` characters.
    """
    open_brackets: list[str] = []
    position, stop = start, start + limit
    while mark := _BRACKET_OR_QUOTE.search(text, position, stop):
        position = mark.end()
        char = mark[0]
        if char in _CLOSING:
            open_brackets.append(_CLOSING[char])
        elif char in ")]}":
            if not open_brackets or open_brackets.pop() != char:
                return None
            if not open_brackets:
                return position
        else:
            string = _STRING.match(text, mark.start(), stop)
            if string is None:
                return None
            position = string.end()
    return None


def _parse(text: str) -> ast.Expression:
    if len(text) > MAX_LITERAL_CHARS or "\0" in text:
        raise ValueError("too long, or no text")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a statement's "\\d" is no concern of the user
        return ast.parse(text, mode="eval")


def _literal_node(node: ast.expr) -> ast.expr:
    """The node with JSON's names replaced by Python's. Raises ValueError when it is not a literal."""
    match node:
        case ast.Constant(value=value) if value is not Ellipsis:
            return node
        case ast.Name(id=name) if name in _NAMES or name in _PYTHON_NAMES:
            return ast.Name(id=_NAMES.get(name, name), ctx=ast.Load())
        case ast.Tuple(elts=items):
            return ast.Tuple(elts=[_literal_node(item) for item in items], ctx=ast.Load())
        case ast.List(elts=items):
            return ast.List(elts=[_literal_node(item) for item in items], ctx=ast.Load())
        case ast.Set(elts=items):
            return ast.Set(elts=[_literal_node(item) for item in items])
        case ast.Dict(keys=keys, values=values):
            return ast.Dict(
                keys=[_literal_node(key) if key is not None else _no_literal() for key in keys],
                values=[_literal_node(value) for value in values],
            )
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=ast.Constant(value=int() | float() | complex())):
            return node
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf" | "Infinity")):
            return ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf", ctx=ast.Load()))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=ast.Constant(value=complex())):
            return ast.BinOp(left=_literal_node(left), op=node.op, right=node.right)
        case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[], keywords=[]):
            return node
        case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[items], keywords=[]):
            return ast.Call(func=node.func, args=[_literal_node(items)], keywords=[])
    return _no_literal()


def _no_literal() -> ast.expr:
    raise ValueError("not a literal")
