"""Hostile text made fit to be read: control and direction characters become visible, long texts are cut.

Escaping for HTML is the template's. Nothing here is about the page's layout.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_LEAST_PIECE = 120


def visible(text: str) -> str:
    """The text with its control characters, direction marks and lone surrogates written as `⟨U+202E⟩`.

    Direction marks can make a program read differently from what it does (Boucher and Anderson, arXiv 2111.00169);
    surrogates cannot be written as UTF-8. Line ends become `\\n`.
    """
    return _UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text.replace("\r\n", "\n"))


@dataclass(frozen=True, slots=True)
class Piece:
    """A text as the page shows it. left_out: characters cut from its end."""

    text: str
    left_out: int = 0


class Allowance:
    """How many characters of text may still be shown. What is taken first gets its share first."""

    def __init__(self, characters: int) -> None:
        self.left = characters

    def take(self, text: str, at_most: int) -> Piece | None:
        """The text or its beginning; None when what is left is too little to be worth reading."""
        shown = visible(text.rstrip())
        length = min(len(shown), at_most, self.left)
        if length < min(len(shown), _LEAST_PIECE):
            return None
        self.left -= length
        return Piece(shown[:length], len(shown) - length)
