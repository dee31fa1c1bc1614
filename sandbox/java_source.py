"""Reads from a Java source what its file has to be called and which class to start.

The text is not trusted and may not even be Java: every step is linear, and what makes no sense gets the
usual names, so that the compiler says what is wrong.
"""

from __future__ import annotations

import re

USUAL = "Main"

_TOKEN = re.compile(
    r"""
      //[^\n]* | /\*(?s:.*?)\*/ | \"\"\"(?s:.*?)\"\"\" | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
    | (?P<word>[^\W\d][\w$]*) | (?P<mark>[{}();.@\[\]])
    """,
    re.VERBOSE,
)
_KINDS = ("class", "interface", "enum", "record")


def file_and_main(source: str) -> tuple[str, str]:
    """The file's name, and the full name of the class whose `main` starts the program."""
    package, top, public, main = _outline(source)
    chosen = main or public or (top[0] if top else USUAL)
    return f"{public or chosen}.java", f"{package}.{chosen}" if package else chosen


def _outline(source: str) -> tuple[str, list[str], str, str]:
    """Package, top-level types in order, the public one of them, the first with a static main method."""
    tokens = [m["word"] or m["mark"] for m in _TOKEN.finditer(source) if m["word"] or m["mark"]]
    package, public, main = "", "", ""
    top: list[str] = []
    depth, is_public, is_static = 0, False, False
    for i, token in enumerate(tokens):
        following = tokens[i + 1] if i + 1 < len(tokens) else ""
        if token == "{":
            depth += 1
        elif token == "}":
            depth = max(0, depth - 1)
        elif depth == 0 and token == "package" and not top:
            package = _dotted(tokens, i + 1)
        elif depth == 0 and token == "public":
            is_public = True
        elif depth == 0 and token in _KINDS and _is_name(following) and tokens[i - 1 : i] != ["."]:
            top.append(following)
            public, is_public = public or (following if is_public else ""), False
        elif depth == 1 and token == "static":
            is_static = True
        elif depth == 1 and token == "main" and following == "(" and is_static and top:
            main = main or top[-1]
        if token in ("{", "}", ";"):
            is_static = False
    return package, top, public, main


def _dotted(tokens: list[str], at: int) -> str:
    end = at
    while end < len(tokens) and tokens[end] != ";":
        end += 1
    return "".join(tokens[at:end])


def _is_name(token: str) -> bool:
    return bool(token) and (token[0].isalpha() or token[0] in "_$")
