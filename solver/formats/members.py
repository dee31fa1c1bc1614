"""The members of a JSON object as raw text, so that what nobody may read is never decoded.

Where a member ends is found by its strings and brackets alone: what is inside is not checked here.
"""

from __future__ import annotations

import json
import re

_STRING = re.compile(r'\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*:', re.DOTALL)
_MARK = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{},]', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}


def members(text: str) -> dict[str, str]:
    """Name to raw JSON text, in order; of a repeated name the last one counts.

    Raises json.JSONDecodeError where no member begins or the object does not end.
    """
    start = text.index("{") + 1
    found: dict[str, str] = {}
    empty = re.compile(r"\s*\}\s*").fullmatch(text, start)
    while not empty:
        name = _STRING.match(text, start)
        if name is None:
            raise json.JSONDecodeError("a member's name is missing", text, start)
        end = _end(text, name.end())
        found[json.loads(name[1])] = text[name.end() : end]
        start = end + 1
        if text[end] == "}":
            if text[start:].strip():
                raise json.JSONDecodeError("something follows the object", text, start)
            break
    return found


def _end(text: str, start: int) -> int:
    """Where the `,` or `}` is that ends the value."""
    open_brackets: list[str] = []
    for mark in _MARK.finditer(text, start):
        char = mark[0]
        if char in _CLOSING:
            open_brackets.append(_CLOSING[char])
        elif not open_brackets and char in (",", "}"):
            return mark.start()
        elif char == '"':
            break  # a text that does not end
        elif char in ("]", "}") and (not open_brackets or open_brackets.pop() != char):
            break
    raise json.JSONDecodeError("the object does not end", text, start)
