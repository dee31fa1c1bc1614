"""Strings inside calls that are more than letters: numbers with separators (`3/4`, `-1.5`) and words of a vocabulary.

Not covered: grammars, such as nested expressions; their strings are changed letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

MAX_WORDS = 40
_NUMERIC = re.compile(r"\s*[-+]?\d+(?:[\s.,/:*+-]+\d+)*\s*")
_NUMBER = re.compile(r"\d{1,18}")
_QUOTED = re.compile(r"'([^'\n]{1,20})'|\"([^\"\n]{1,20})\"")


@dataclass(frozen=True, slots=True)
class TextModel:
    """What the strings at one place have in common.

    numeric: all are numbers with signs or separators. words: what the white-space separated ones are made of.
    closed: no other word may occur.
    """

    numeric: bool = False
    words: tuple[str, ...] = ()
    closed: bool = False

    def write(self, value: str, style: str, rng: Random) -> str | None:
        """A new string after `value`; None where single letters may change as well."""
        if self.numeric:
            return _other_numbers(value, style, rng)
        if self.words and (self.closed or rng.random() < 0.5):
            return self._sentence(value, style, rng)
        return None

    def _sentence(self, value: str, style: str, rng: Random) -> str:
        words = value.split()
        if style == "empty":
            return ""
        if style == "shuffle":
            return " ".join(rng.sample(words, len(words)))
        if style == "negate":
            return " ".join(words[::-1])
        if style == "ascending":
            return " ".join(sorted(words))
        if style == "equal":
            return " ".join([rng.choice(self.words)] * rng.randint(1, len(words) + 1))
        if style == "tweak" and words:
            words[rng.randrange(len(words))] = rng.choice(self.words)
            return " ".join(words)
        longest = {"small": 2, "large": 2 * len(words) + 4}.get(style, len(words) + 2)
        return " ".join(rng.choice(self.words) for _ in range(rng.randint(1, min(longest, MAX_WORDS))))


def model_texts(texts: Iterable[str], statement: str) -> TextModel:
    """What the strings seen at one place allow."""
    seen = [text for text in texts if text.strip()]
    if not seen:
        return TextModel()
    if all(_NUMERIC.fullmatch(text) for text in seen) and not all(text.isdigit() for text in seen):
        return TextModel(numeric=True)
    tokens = [token for text in seen for token in text.split()]
    if len(tokens) == len(seen):
        return TextModel()
    quoted = {next(filter(None, match.groups())).strip() for match in _QUOTED.finditer(statement[:20_000])}
    closed = set(tokens) <= quoted
    legal = {word for word in quoted if " " not in word and word not in seen} if closed else set()
    return TextModel(words=tuple(sorted((set(tokens) | legal) - {""})), closed=closed)


def _other_numbers(value: str, style: str, rng: Random) -> str:
    """The same signs and separators around other numbers; no zero where there was none."""
    numbers = list(_NUMBER.finditer(value))
    if not numbers:
        return value
    chosen = numbers if style in ("random", "small", "large") else [rng.choice(numbers)]
    padded = any(len(match.group(0)) > 1 and match.group(0)[0] == "0" for match in numbers)
    text = value
    for match in reversed(chosen):
        text = text[: match.start()] + _other_number(match.group(0), style, rng, padded=padded) + text[match.end() :]
    return text


def _other_number(digits: str, style: str, rng: Random, *, padded: bool) -> str:
    low = int(int(digits) != 0)
    high = 10 ** len(digits) - 1
    if style in ("tweak", "shuffle", "resize"):
        number = int(digits) + rng.choice((-1, 1))
    elif style in ("small", "empty"):
        number = rng.randint(low, min(high, 3))
    elif style == "large" and not padded:
        number = rng.randint(low, 10 * high)
    else:
        number = rng.randint(low, high)
    return str(max(low, min(number, high) if padded else number)).zfill(len(digits) if padded else 0)
