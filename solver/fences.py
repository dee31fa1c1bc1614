"""Fenced code blocks in a chat answer: CommonMark's rules, and what models write instead.

Beyond CommonMark: a fence may open after prose on its line and close at the end of a line of code, and a new
tagged fence ends the block before it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

_OPEN = re.compile(r"^(?P<before>[^`]*)(?P<fence>`{3,})[ \t]*(?P<tag>[^`]*)$")
_OPEN_TILDE = re.compile(r"^(?P<before>[ \t]*)(?P<fence>~{3,})[ \t]*(?P<tag>[^~]*)$")
_TAG = re.compile(r"[a-z][\w+#]*", re.IGNORECASE)
_MAX_WIDER = 4


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. The tag is lower-case and may be empty; the opening fence's indent is taken off."""

    tag: str
    text: str
    closed: bool
    _tail: tuple[list[str], int, int, str, int]  # all lines, where the block begins and ends, fence, indent

    def wider(self) -> Iterator[str]:
        """Its text up to later closing fences, as a docstring may hold a fence itself."""
        lines, start, end, fence, indent = self._tail
        ends = (i for i in range(end, len(lines)) if lines[i].strip() == fence)
        for later in itertools.islice(ends, _MAX_WIDER):
            yield _text(lines[start:later], indent)


def fenced_blocks(text: str) -> list[Block]:
    """The blocks in order; the last may be unclosed."""
    return list(_blocks(text.split("\n")))


def _blocks(lines: list[str]) -> Iterator[Block]:
    start = 0
    while start < len(lines):
        line = lines[start]
        opening = (_OPEN_TILDE.match(line) or _OPEN.match(line)) if "```" in line or "~~~" in line else None
        start += 1
        if opening is None:
            continue
        fence, before = opening["fence"], opening["before"]
        indent = len(before) if before.isspace() else 0
        end = next((i for i in range(start, len(lines)) if fence in lines[i] and _ends(lines[i], fence)), len(lines))
        closed = end < len(lines)
        body = lines[start:end]
        after = end
        if closed and not _opens_tagged(lines[end], fence):
            code = lines[end].rstrip().rstrip(fence[0])
            body += [code] if code.strip() else []
            after += 1
        yield Block(opening["tag"].strip().lower(), _text(body, indent), closed, (lines, start, after, fence, indent))
        start = after


def _ends(line: str, fence: str) -> bool:
    stripped = line.strip()
    if _opens_tagged(line, fence):
        return True
    # A quote before the fence means that a string or docstring line ends in it.
    return stripped.endswith(fence) and stripped.rstrip(fence[0])[-1:] not in ("'", '"')


def _opens_tagged(line: str, fence: str) -> bool:
    stripped = line.strip()
    return stripped.startswith(fence) and bool(_TAG.fullmatch(stripped.lstrip(fence[0])))


def _text(lines: list[str], indent: int) -> str:
    if not indent:
        return "\n".join(lines)
    return "\n".join(line[min(indent, len(line) - len(line.lstrip())) :] for line in lines)
