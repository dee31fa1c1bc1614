"""Whole C++ programs around completions of one function: one that makes calls, and one that runs the hidden tests.

Most of the time a compiler spends on such a program goes into the library and the harness, so completions are compiled
by the dozen, each in a namespace of its own, and a run picks one. Only a completion that stays inside the body of its
function goes with others: then nothing of it runs, or is even declared, unless it is the one that is called.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eval.pools.cpp_harness import HARNESS, TESTS, TOLD
from eval.pools.cpp_types import Signature
from eval.pools.python_calls import CALL_SECONDS
from solver.cpp_source import canonical_lines, is_balanced

DIGITS = 6
_REACHES_OUT = re.compile(
    r"\b(?:_*asm_*|_*attribute_*|_Pragma|__\w+__|extern|codesieve\w*)\b|\\\n|\\\s*$|\[\[|%:|<%|%>|\r"
)
_MAIN = re.compile(r"\s*\}\s*int main\(\)\s*\{\s*auto candidate = (?P<name>\w+);(?P<body>.*)\}\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Joined:
    """lines: for each completion, its first line in the text and the first one behind it, from 1."""

    text: str
    lines: tuple[tuple[int, int], ...]


def stays_inside(completion: str) -> bool:
    """Whether a completion can be nothing else than the inside of a function's body."""
    if _REACHES_OUT.search(completion) or not is_balanced(completion):
        return False
    return all(line[0] != "#" for line in canonical_lines(completion) or ())


def calling(sources: Sequence[str], prompt: str, signature: Signature) -> Joined:
    """Reads which completion to call, and the arguments of calls. Several sources must stay inside."""
    names = [f"codesieve_argument_{index}" for index in range(len(signature.parameters))]
    arguments = "\n".join(
        f"        {parameter.spelling} {name} = codesieve_calls::Reader<{parameter.spelling}>::read(in);"
        for name, parameter in zip(names, signature.parameters, strict=True)
    )
    function = signature.name if len(sources) == 1 else "codesieve_functions[which]"
    return _joined(
        sources,
        prompt,
        signature.name,
        HARNESS,
        {
            "@DIGITS@": str(DIGITS),
            "@MICROSECONDS@": str(int(CALL_SECONDS * 1e6)),
            "@TOLD@": str(TOLD),
            "@ARGUMENTS@": arguments,
            "@CALL@": f"{function}({', '.join(names)})",
        },
    )


def checking(sources: Sequence[str], prompt: str, suffix: str) -> Joined | None:
    """Reads which completion to test, and a word that it prints when all tests have passed.

    suffix: the tests, which begin with the closing brace of the function. None when they are of another kind.
    """
    main = _MAIN.fullmatch(suffix)
    if main is None:
        return None
    one = len(sources) == 1
    marks = {
        "@CANDIDATE@": f"auto candidate = {main['name'] if one else 'codesieve_functions[which]'};",
        "@TESTS@": main["body"],
        "@COUNT@": str(len(sources)),
    }
    return _joined(sources, prompt, main["name"], TESTS, marks)


def _joined(sources: Sequence[str], prompt: str, name: str, harness: str, marks: dict[str, str]) -> Joined:
    if len(sources) == 1:
        text, table = f"{sources[0]}\n}}\n", ""
        lines: tuple[tuple[int, int], ...] = ((1, 2**31),)
    else:
        text, lines = _namespaces(sources, prompt)
        table = f"decltype(&codesieve_0::{name}) const codesieve_functions[] = {{"
        table += ", ".join(f"codesieve_{index}::{name}" for index in range(len(sources))) + "};"
    for mark, replacement in {"@TABLE@": table, **marks}.items():
        harness = harness.replace(mark, replacement)
    return Joined(text + harness, lines)


def _namespaces(sources: Sequence[str], prompt: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    directives = "".join(line for line in prompt.splitlines(keepends=True) if line.startswith("#"))
    opening = "".join(
        line for line in prompt.splitlines(keepends=True) if not line.startswith("#") and not line.startswith("//")
    )
    text, lines = directives, []
    at = text.count("\n") + 1
    for index, source in enumerate(sources):
        part = f"namespace codesieve_{index} {{\n{opening}{source.removeprefix(prompt)}\n}}\n}}\n"
        text += part
        lines.append((at, at + part.count("\n")))
        at = lines[-1][1]
    return text, tuple(lines)
