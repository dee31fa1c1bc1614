"""Tokens of hostile outputs: tens of megabytes are walked block by block, never split into one list."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

WHITESPACE = b" \t\n\r\x0b\x0c"

_BLOCK_BYTES = 2**18  # tokens of one block live at once, so 64 MB of tokens never become 2 GB of objects
_SPACE = re.compile(rb"[ \t\n\r\x0b\x0c]")
_PIECE = re.compile(rb"[ \t\n\r\x0b\x0c]+|[^ \t\n\r\x0b\x0c]+")


def token_blocks(data: bytes) -> Iterator[list[bytes]]:
    """The whitespace-separated tokens, in lists of about a quarter of a megabyte of text."""
    start = 0
    while start < len(data):
        end = start + _BLOCK_BYTES
        gap = _SPACE.search(data, end) if end < len(data) else None
        end = gap.start() if gap else len(data)
        yield data[start:end].split()
        start = end


def tokens(data: bytes) -> Iterator[bytes]:
    """The whitespace-separated tokens, one by one."""
    return itertools.chain.from_iterable(token_blocks(data))


def pieces(data: bytes) -> Iterator[bytes]:
    """Tokens and the whitespace between them, in order: joined they are `data`."""
    return (found.group() for found in _PIECE.finditer(data))


def ink(data: bytes) -> int:
    """How many bytes are not whitespace."""
    return len(data.translate(None, WHITESPACE))
