"""Splitting inputs into lines and tokens, and reading single tokens."""

from __future__ import annotations

import re

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,39})")
_DECIMAL = re.compile(r"-?[0-9]{1,20}\.[0-9]{1,20}")


def split_lines(text: str) -> list[list[str]]:
    """Lines of white-space separated tokens; empty lines count, except at either end."""
    return [line.split() for line in text.strip().splitlines()]


def as_int(token: str) -> int | None:
    """The integer that the token writes canonically (no plus sign, no leading zeros, ≤ 40 digits)."""
    return int(token) if _INTEGER.fullmatch(token) and token != "-0" else None


def is_decimal(token: str) -> bool:
    """`-0.50`, not `5` and not `1e9`."""
    return bool(_DECIMAL.fullmatch(token))
