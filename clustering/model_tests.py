"""Tests that a model wrote, as data: nothing of them is executed.

`assert f(2, [3]) == 4` becomes ("2, [3]", "4"); an `Input:` block followed by an `Output:` block a pair of texts.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from clustering.literals import parse_call, parse_literal, render

MAX_TESTS = 200
_MAX_CHARS = 2000
_PAIR = re.compile(
    r"\binput\b[^\n`]{0,60}\n+```[a-z]*\n(.*?)\n?```\s*.{0,40}?\boutput\b[^\n`]{0,60}\n+```[a-z]*\n(.*?)\n?```",
    re.IGNORECASE | re.DOTALL,
)

Tests = tuple[tuple[str, str, int], ...]
"""(input, claimed output, copies), most often written first."""


def parse_model_tests(completions: Iterable[str], entry_point: str) -> Tests:
    """(argument text, expected literal, copies), most often written first, at most MAX_TESTS.

    completions: each continues the text `assert ` or holds whole asserts. What is no comparison of a call of
    `entry_point` with a literal is left out.
    """
    found: Counter[tuple[str, str]] = Counter()
    for completion in completions:
        for statement in completion.split("assert "):
            if (test := _parse(statement.strip(), entry_point)) is not None:
                found[test] += 1
    return _most_common(found)


def parse_text_tests(answers: Iterable[str]) -> Tests:
    """(input, expected output, copies) from fenced blocks that are labelled so; at most MAX_TESTS."""
    found: Counter[tuple[str, str]] = Counter()
    for answer in answers:
        for given, expected in _PAIR.findall(answer[: 100 * _MAX_CHARS]):
            if given.strip() and len(given) + len(expected) <= 10 * _MAX_CHARS:
                found[given.strip("\n") + "\n", expected.strip("\n") + "\n"] += 1
    return _most_common(found)


def _most_common(found: Counter[tuple[str, str]]) -> Tests:
    return tuple((given, expected, copies) for (given, expected), copies in found.most_common(MAX_TESTS))


def _parse(text: str, entry_point: str) -> tuple[str, str] | None:
    for candidate in _prefixes(text):
        try:
            # `assert f(1) == 2, "why"` reads as a tuple in parentheses
            tree = ast.parse(f"({candidate}\n)", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if isinstance(tree, ast.Tuple) and tree.elts:
            tree = tree.elts[0]
        return _test(tree, entry_point)
    return None


def _prefixes(text: str) -> Iterator[str]:
    """The text, then its first line: what follows an assert may be anything."""
    if len(text) <= _MAX_CHARS:
        yield text
    first = text.partition("\n")[0]
    if first != text and len(first) <= _MAX_CHARS:
        yield first


def _test(tree: ast.expr, entry_point: str) -> tuple[str, str] | None:
    match tree:
        case ast.Compare(left=call, ops=[ast.Eq() | ast.Is()], comparators=[expected]):
            wanted = ast.unparse(expected)
        case ast.UnaryOp(op=ast.Not(), operand=call):
            wanted = "False"
        case _:
            call, wanted = tree, "True"
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == entry_point):
        return None
    text = ast.unparse(call)
    given = parse_call(text[text.index("(") + 1 : -1])
    value = parse_literal(wanted)
    return None if given is None or value is None else (given.text(), render(value[0]))
