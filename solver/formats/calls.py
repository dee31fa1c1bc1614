"""Examples of a function, as docstrings and LeetCode-style statements write them.

Kept only where both sides are literals: `f(x) == y` and its arrows, doctests, `Input: a = [1], k = 2 / Output: 3`,
and `For lst = [1, 2] the output should be 3`. Everything else is left alone: a wrong example rejects every right
program, a missing one only filters less.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from solver.formats.literals import argument_text, bracket_end, call_arguments, literal, literal_end
from solver.problem import Example

# Statements can be hostile; these bound the work, and no real example comes near.
MAX_STATEMENT_CHARS = 2**18
MAX_CALLS = 200
MAX_CALL_CHARS = 5_000
MAX_SUM_CHARS = 200

_ARROW = re.compile(
    r"[ \t]*(?:#[ \t]*)?(?:==>|==|=>|->|=|➞|→|⇒|(?:should[ \t]+)?(?:returns?|be|equals?)\b)[ \t]*", re.IGNORECASE
)
_AFTER_VALUE = re.compile(r"[ \t]*(?:[.;,]?[ \t]*(?:$|\n)|[.;,]?[ \t]*(?:#|//|\(|\"\"\"|'''))")
_SUM = re.compile(r"[-+*/.()\d\s=]*\d\s*[-+*/]\s*\d[-+*/.()\d\s=]*")
_PROMPT = re.compile(r"^[ \t]*>>>[ \t]*", re.MULTILINE)
_EXAMPLES_LINE = re.compile(r"^[ \t]*(?:for )?(?:examples?|\[input/output\] samples)\b", re.MULTILINE | re.IGNORECASE)
_LINE_CALLS = re.compile(r"^[ \t]*(?:>>>[ \t]*)?(?:assert[ \t]+)?([A-Za-z_]\w*)\(", re.MULTILINE)
_INPUT = re.compile(r"^[ \t*]*Input[ \t*]*:[ \t*]*", re.MULTILINE)
_OUTPUT = re.compile(r"^[ \t*]*Output[ \t*]*:[ \t*]*", re.MULTILINE)
_FOR = re.compile(r"^[ \t]*For[ \t]+(?=\w+[ \t]*=)", re.MULTILINE)
_SHOULD_BE = re.compile(r"[^\n]*?\b(?:output|result|answer)[ \t]+(?:should|must)[ \t]+be[ \t]+", re.IGNORECASE)
_ASSIGNED = re.compile(r"[ \t\n,;]*(\w+)[ \t]*[=:](?!=)[ \t]*")


def examples_of_function(text: str, entry_point: str, parameters: Sequence[str]) -> list[Example]:
    """Every example in `text`, in order and without repeats.

    parameters: the signature's names, without `self`; empty when unknown. Arguments named otherwise in the text are
    passed by position.
    """
    text = text[:MAX_STATEMENT_CHARS]
    name = entry_point.rpartition(".")[2]
    found = [*_called(text, name), *_labelled(text), *_in_words(text)] or list(_called(text, _other_name(text)))
    pairs = [(_adapted(arguments, parameters), value) for _, arguments, value in sorted(found)]
    unique = dict.fromkeys((argument_text(a), value) for a, value in pairs if a is not None)
    return [Example(input=given, output=value) for given, value in unique]


def parameters_of(code: str, entry_point: str) -> list[str]:
    """The parameter names of `f` or of the method of `Solution().f` in (perhaps incomplete) code."""
    name = entry_point.rpartition(".")[2]
    header = re.search(rf"\bdef[ \t]+{re.escape(name)}[ \t]*(?=\()", code)
    end = bracket_end(code, header.end()) if header else None
    if header is None or end is None:
        return []
    try:
        node = ast.parse(f"def f{code[header.end() : end]}: pass").body[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    assert isinstance(node, ast.FunctionDef)
    return [argument.arg for argument in node.args.args if argument.arg != "self"]


_Found = tuple[int, list[tuple[str, str]], str]


def _called(text: str, name: str) -> Iterator[_Found]:
    """`f(1, 2) == 3`, `f(1) => 2`, and doctests, whose value is on the line below."""
    calls = list(_calls(text, name))
    recurrence = any(
        call_arguments(arguments) is None and _ARROW.match(text, end)
        for _, end, arguments in calls
        if re.fullmatch(r"\s*[a-z]\s*", arguments)
    )
    heading = max((line.start() for line in _EXAMPLES_LINE.finditer(text)), default=len(text))
    for start, end, arguments in calls:
        prompt = _PROMPT.match(text, text.rfind("\n", 0, start) + 1)
        # `tri(1) = 3` defines a sequence; only below "Examples" (the last such line) is it a call.
        if recurrence and not prompt and start < heading:
            continue
        if prompt and prompt.end() != start:
            continue  # round(f(x), 2)
        parsed = call_arguments(arguments)
        if parsed is None:
            continue
        arrow = _ARROW.match(text, end)
        value = _value(text, arrow.end()) if arrow else _doctest_value(text, end) if prompt else None
        if value is not None:
            yield start, parsed, value


def _other_name(text: str) -> str:
    """The one function that the lines of `text` call, where that is not the one to write."""
    names = set(_LINE_CALLS.findall(text))
    return names.pop() if len(names) == 1 else ""


def _calls(text: str, name: str) -> Iterator[tuple[int, int, str]]:
    calls = re.finditer(rf"(?<![\w.]){re.escape(name)}(?=\()", text) if name else iter(())
    for call in islice(calls, MAX_CALLS):
        end = bracket_end(text, call.end(), MAX_CALL_CHARS)
        if end is not None:
            yield call.start(), end, text[call.end() + 1 : end - 1]


def _labelled(text: str) -> Iterator[_Found]:
    """`Input: a = [1], k = 2` with `Output: 3` below."""
    inputs = list(islice(_INPUT.finditer(text), MAX_CALLS))
    for index, label in enumerate(inputs):
        stop = inputs[index + 1].start() if index + 1 < len(inputs) else len(text)
        output = _OUTPUT.search(text, label.end(), stop)
        if output is None:
            continue
        given = text[label.end() : output.start()].strip().rstrip(",;")
        arguments = _assignments(given) or call_arguments(given)
        start = output.end() + len(text[output.end() : stop]) - len(text[output.end() : stop].lstrip())
        value = _value(text[:stop], start)
        if arguments and value is not None:
            yield label.start(), arguments, value


def _in_words(text: str) -> Iterator[_Found]:
    """`For s = "ab", k = 2 the output should be 3`."""
    for label in islice(_FOR.finditer(text), MAX_CALLS):
        arguments, end = _assigned(text, label.end())
        words = _SHOULD_BE.match(text, end)
        value = _value(text, words.end()) if words else None
        if arguments and value is not None:
            yield label.start(), arguments, value


def _assignments(text: str) -> list[tuple[str, str]] | None:
    arguments, end = _assigned(text, 0)
    return arguments if arguments and not text[end:].strip() else None


def _assigned(text: str, position: int) -> tuple[list[tuple[str, str]], int]:
    arguments: list[tuple[str, str]] = []
    while name := _ASSIGNED.match(text, position):
        end = literal_end(text, name.end(), MAX_CALL_CHARS)
        value = literal(text[name.end() : end]) if end is not None else None
        if end is None or value is None:
            break
        arguments.append((name[1], value))
        position = end
    return arguments, position


def _value(text: str, start: int) -> str | None:
    """The literal at `start`, if the line (or what follows a bracket) ends with it or goes on as a remark."""
    end = literal_end(text, start, MAX_CALL_CHARS)
    if end is not None and _AFTER_VALUE.match(text, end):
        value = literal(text[start:end])
        # Prose writes the tuple ("x",) as ("x"); which one is meant cannot be told.
        return None if value is None or (text[start] == "(" and value[0] != "(") else value
    # `-> 19 - 5 - 6 = 8`
    sums, equals, last = text[start : start + MAX_SUM_CHARS].partition("\n")[0].rpartition("=")
    return literal(last) if equals and _SUM.fullmatch(sums) else None


def _doctest_value(text: str, end: int) -> str | None:
    rest = re.compile(r"[ \t]*(?:#[^\n]*)?\n[ \t]*(?!>>>)").match(text, end)
    return _value(text, rest.end()) if rest else None


def _adapted(arguments: list[tuple[str, str]], parameters: Sequence[str]) -> list[tuple[str, str]] | None:
    """By position when the statement's names are not the signature's; None when the count cannot fit."""
    if parameters and len(arguments) > len(parameters):
        return None
    named = [name for name, _ in arguments if name]
    if all(name in parameters for name in named):
        return arguments
    return [("", value) for _, value in arguments]
