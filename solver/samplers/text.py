"""Text that came from outside."""

from __future__ import annotations


def storable(text: str) -> str:
    """`text` without lone surrogates: JSON can spell them, but no store or program file can hold them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def one_line(text: str, most: int = 400) -> str:
    """`text` on one line of at most `most` characters, for a message to the user."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
