"""Which C++ programs a precompiled header may serve, decided so that it never changes what a program means.

Theory. Most of a compiler's time goes into the standard library's headers. We precompile the headers that contest
programs use, the *core*, and have the compiler read that first. A program then sees names that it did not include, or,
if it includes bits/stdc++.h, lacks those outside the core. Such a name matters only to a program whose text contains
it. So we keep, for each list of includes, every identifier and macro in the preprocessed text; a program is served
when it contains none of the identifiers by which core and its own includes differ, and when nothing before or between
its includes could change what they mean. All others are compiled as they stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ALL = "bits/stdc++.h"
CORE_NAME = "core.h"
_CORE = (
    "algorithm any array bit bitset cassert cctype cerrno cfloat chrono cinttypes climits cmath compare complex "
    "concepts cstdarg cstddef cstdint cstdio cstdlib cstring ctime deque exception fstream functional initializer_list "
    "iomanip ios iosfwd iostream istream iterator limits list map memory new numbers numeric optional ostream queue "
    "random ranges set span sstream stack stdexcept streambuf string string_view tuple type_traits unordered_map "
    "unordered_set utility valarray variant vector "
)
CORE = "".join(f"#if __has_include(<{name}>)\n#include <{name}>\n#endif\n" for name in _CORE.split())

_SKIPPED = re.compile(r"(?:\s|//[^\n]*\n|/\*(?s:.*?)\*/)*")
_INCLUDE = re.compile(r"#[ \t]*include[ \t]*<([\w./+-]+)>[ \t]*(?=\n|//|/\*|$)")
_ANY_INCLUDE = re.compile(r"^[ \t]*(?:#|%:|\?\?=)[ \t]*(?:include|import)|__has_include|_Pragma", re.MULTILINE)
_COMMENT = re.compile(r"""//[^\n]*|/\*(?s:.*?)\*/|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""")
_MACRO = re.compile(r"^#define[ \t]+(\w+)", re.MULTILINE)
_NOISE = re.compile(
    r"""
      ^\#[^\n]*$                                                   # directives
    | (?:\boperator\s*)?"(?:\\.|[^"\\\n])*"(?:(?<="")\s*\w+)?  # strings, and operators named after a suffix
    | (?<!\w)[uUL]?'(?:\\.|[^'\\\n])*'
    """,
    re.MULTILINE | re.VERBOSE,
)
_IDENTIFIER = re.compile(r"(?<!\w)[A-Za-z_]\w*")
_PIECE = re.compile(r"[{}]|[^{};]+|;")
_TRANSPARENT = re.compile(r"\b(?:namespace|enum)\b|^\s*extern\s*$")
_LITERAL_OPERATOR = re.compile(r"\d(?:h|min|s|ms|us|ns|y|d|i|il|if)\b")


@dataclass(frozen=True, slots=True)
class Includes:
    """The headers a program begins with, sorted, and the identifiers in its text."""

    headers: tuple[str, ...]
    identifiers: frozenset[str]

    @property
    def everything(self) -> bool:
        """Whether it asks for the whole standard library."""
        return ALL in self.headers

    @property
    def text(self) -> str:
        """A source that includes just these."""
        return "".join(f"#include <{name}>\n" for name in self.headers)


def includes(source: str) -> Includes | None:
    """What a program includes, if all of it comes first and nothing could change its meaning; else None."""
    at, found = 0, set()
    while True:
        skipped = _SKIPPED.match(source, at)
        at = skipped.end() if skipped else at
        include = _INCLUDE.match(source, at)
        if include is None:
            break
        found.add(include[1])
        at = include.end()
    if not found or "\\\n" in source[:at] or "\r" in source[:at]:
        return None
    # After all of the library, a further include finds nothing left to declare, with a precompiled header or without.
    if ALL not in found and _ANY_INCLUDE.search(source, at):
        return None
    text = _COMMENT.sub(lambda match: match[1] or " ", source[at:])
    if ALL not in found and _LITERAL_OPERATOR.search(text):
        return None
    return Includes(tuple(sorted(found)), identifiers(text))


def identifiers(text: str) -> frozenset[str]:
    """Every identifier and keyword in a text."""
    return frozenset(_IDENTIFIER.findall(text))


def declared(preprocessed: str) -> frozenset[str]:
    """What the output of `g++ -E -dD` can mean to a program: names of macros, and identifiers outside of bodies.

    A macro's parameters and text matter only where its name stands, and the inside of a class or a function only to
    those who name it; what a namespace, an `extern "C"` or an enumeration holds is known outside.
    """
    found: set[str] = set(_MACRO.findall(preprocessed))
    inside, head = 0, ""
    for match in _PIECE.finditer(_NOISE.sub(" ", preprocessed)):
        piece = match[0]
        if piece == "{":
            inside += bool(inside) or not _TRANSPARENT.search(head[-400:])
        elif piece == "}":
            inside -= bool(inside)
        elif not inside:
            head = piece
            found.update(_IDENTIFIER.findall(piece))
    return frozenset(found)


def served(program: Includes, core: frozenset[str], own: frozenset[str]) -> bool:
    """Whether the precompiled core leaves the program's meaning alone.

    core: the identifiers of the preprocessed core. own: those of what the program includes.
    """
    differing = own - core if program.everything else core - own
    return not program.identifiers & differing
