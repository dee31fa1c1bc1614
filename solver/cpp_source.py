"""C++ sources as preprocessing tokens: enough to compare, balance and recognise them. Nothing is compiled.

Not covered: trigraphs, digraphs, and lines spliced inside a token (kept as a token of their own).
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\f\v\n]++)
  | (?P<comment>//(?:\\\r?\n|[^\n])*+|/\*(?s:.*?)\*/)
  | (?P<raw>(?:u8|[uUL])?R"(?P<delimiter>[^()\\\s"]{0,16})\((?s:.*?)\)(?P=delimiter)")
  | (?P<string>(?:u8|[uUL])?"(?:[^"\\\n]++|\\(?s:.))*+")
  | (?P<char>(?:u8|[uUL])?'(?:[^'\\\n]++|\\(?s:.))*+')
  | (?P<number>\.?[0-9](?:[eEpP][+-]|'[0-9a-zA-Z_]|[0-9a-zA-Z_.])*+)
  | (?P<splice>\\\r?\n)
  | (?P<unterminated>(?:u8|[uUL])?R"|["']|/\*)
  | (?P<word>[^\W\d]\w*+)
  | (?P<operator><<=|>>=|<=>|\.\.\.|->\*|\+\+|--|->|<<|>>|<=|>=|==|!=|&&|\|\||::|\.\*|\#\#|[-+*/%&|^]=|.)
    """,
    re.VERBOSE,
)
_LOOKS = re.compile(
    r"^[ \t]*#[ \t]*include\b|\busing\s+namespace\s+\w+\s*;|\bint\s+main\s*\(|\bstd\s*::\s*\w"
    r"|^\s*template\s*<",
    re.M,
)
_MAIN = re.compile(r"\bmain\s*\(")


def looks_like_cpp(source: str) -> bool:
    return bool(_LOOKS.search(source))


def has_main(source: str) -> bool:
    return bool(_MAIN.search(source))


def canonical_lines(source: str) -> list[list[str]] | None:
    """Tokens without comments and white space: a list for each directive and each part between.

    Directives keep where white space was (as one blank), because `#define F (x)` is not `#define F(x)`. None
    when a comment, a string or a character does not end.
    """
    lines: list[list[str]] = [[]]
    position = 0
    at_line_start, in_directive = True, False
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None or match.lastgroup == "unterminated":
            return None
        position = match.end()
        kind, text = match.lastgroup, match[0]
        if kind in ("space", "comment") or (kind == "splice" and in_directive):
            ends_line = kind == "space" and "\n" in text
            if ends_line and in_directive:
                lines.append([])
                in_directive = False
            elif in_directive and lines[-1][-1] != " ":
                lines[-1].append(" ")
            at_line_start = at_line_start or ends_line
            continue
        if text == "#" and at_line_start:
            lines.append([])
            in_directive = True
        lines[-1].append(text)
        at_line_start = False
    return [line for line in lines if line]


def is_balanced(source: str) -> bool:
    """Whether the brackets outside strings and comments match; a cut-off program's do not."""
    lines = canonical_lines(source)
    if lines is None:
        return False
    expected: list[str] = []
    closing = {"(": ")", "[": "]", "{": "}"}
    for token in (token for line in lines if line[0] != "#" for token in line):
        if token in closing:
            expected.append(closing[token])
        elif token in (")", "]", "}") and (not expected or expected.pop() != token):
            return False
    return not expected
