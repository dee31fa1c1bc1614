"""What Kattis compares outputs with when a package brings no validator of its own.

Tokens in either case, unless flags say otherwise:

- `case_sensitive`, `space_change_sensitive`: letters' case and every byte of whitespace count
- `float_absolute_tolerance E`, `float_relative_tolerance E`, `float_tolerance E` (both): where the answer has a
  finite number the output must have one, within either tolerance; any spelling that C's `scanf("%lf")` reads

As in the original, a token ends at a NUL byte and an answer token that overflows a double is compared as text.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.tokens import WHITESPACE, pieces, tokens

# Exponents may be left unfinished (`1e`, `1e+`): glibc's scanf takes them for 0.
_DECIMAL = re.compile(rb"([+-]?)(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d*))?")
_HEXADECIMAL = re.compile(rb"([+-]?0[xX](?:[\da-fA-F]+\.?[\da-fA-F]*|\.[\da-fA-F]+))(?:[pP]([+-]?\d*))?")
_EXACT_DIGITS = 800  # more decimal digits than these can only break a tie between two doubles
_SHOWN_BYTES = 40


class BadFlags(ValueError):
    """Flags that the default validator does not know."""


@dataclass(frozen=True, slots=True)
class Flags:
    """A tolerance below 0 is never met; with both below 0 numbers are text."""

    case_sensitive: bool = False
    space_change_sensitive: bool = False
    absolute: float = -1.0
    relative: float = -1.0

    @property
    def floats(self) -> bool:
        """Whether numbers are compared as numbers."""
        return self.absolute >= 0 or self.relative >= 0


def parse_flags(words: Sequence[str]) -> Flags:
    """Raises BadFlags."""
    chosen: dict[str, float | bool] = {}
    rest = iter(words)
    for word in rest:
        if word in ("case_sensitive", "space_change_sensitive"):
            chosen[word] = True
        elif word in ("float_tolerance", "float_absolute_tolerance", "float_relative_tolerance"):
            value = next(rest, "")
            number = double(value.encode())
            if number is None:
                raise BadFlags(f"`{word}` needs a number, not {value[:_SHOWN_BYTES]!r}")
            for kind in ("absolute", "relative"):
                if word in ("float_tolerance", f"float_{kind}_tolerance"):
                    chosen[kind] = number
        else:
            raise BadFlags(f"unknown flag {word[:_SHOWN_BYTES]!r} of the default validator")
    return Flags(**chosen)  # type: ignore[arg-type]


def mismatch(flags: Flags, answer: bytes, output: bytes) -> str:
    """Why the output is wrong, in one line; "" when it is right."""
    if answer == output:
        return ""
    cut = pieces if flags.space_change_sensitive else tokens
    return _first_difference(flags, cut(answer), cut(output))


def _first_difference(flags: Flags, answer: Iterable[bytes], output: Iterable[bytes]) -> str:
    number = 0
    for wanted, given in itertools.zip_longest(answer, output):
        number += wanted is not None and wanted[:1] not in WHITESPACE
        if wanted is None:
            return f"trailing output after token {number}: {_shown(given)}"
        if given is None:
            return f"the output ends before token {number}: {_shown(wanted)}"
        if wanted != given and not _same(flags, wanted, given):
            return f"token {number}: {_shown(given)} instead of {_shown(wanted)}"
    return ""


def _same(flags: Flags, wanted: bytes, given: bytes) -> bool:
    if wanted[:1] in WHITESPACE or given[:1] in WHITESPACE:
        return wanted == given
    wanted, given = wanted.partition(b"\0")[0], given.partition(b"\0")[0]
    right = double(wanted) if flags.floats else None
    if right is not None:
        number = double(given)
        if number is None:
            return False
        error = abs(right - number)
        return error <= flags.absolute or error <= flags.relative * abs(right)
    return wanted == given or (not flags.case_sensitive and wanted.lower() == given.lower())


def double(token: bytes) -> float | None:
    """The finite number that C's `scanf("%lf")` reads from the whole token; None when there is none."""
    if found := _HEXADECIMAL.fullmatch(token):
        mantissa, power = found.groups(b"")
        try:
            return float.fromhex((mantissa + b"p" + power if power.strip(b"+-") else mantissa).decode())
        except OverflowError:
            return None
    found = _DECIMAL.fullmatch(token)
    if found is None:
        return None
    sign, mantissa, power = found.groups(b"")
    if len(token) > _EXACT_DIGITS:
        mantissa, power = _shortened(mantissa, power)
    value = float(sign + mantissa + b"e" + power if power.strip(b"+-") else sign + mantissa)
    return None if math.isinf(value) else value


def _shortened(mantissa: bytes, exponent: bytes) -> tuple[bytes, bytes]:
    """The same number with few digits: `float` of a million of them takes quadratic time."""
    whole, _, fraction = mantissa.partition(b".")
    digits = (whole + fraction).lstrip(b"0")
    power = min(int(exponent.lstrip(b"+-0")[:12] or b"0"), 10**9)
    power = len(digits) - len(fraction) - power if exponent.startswith(b"-") else len(digits) - len(fraction) + power
    sticky = b"1" if digits[_EXACT_DIGITS:].strip(b"0") else b""
    return b"0." + digits[:_EXACT_DIGITS] + sticky, b"%d" % power


def _shown(token: bytes) -> str:
    text = token[:_SHOWN_BYTES].decode("utf-8", "replace")
    return ascii(text) if not text.isprintable() else f"{text!r}" + ("…" if len(token) > _SHOWN_BYTES else "")
