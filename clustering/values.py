"""Values of one field in one style: integers in their range, words over their alphabet."""

from __future__ import annotations

from random import Random
from string import ascii_lowercase
from typing import TypeVar

from clustering.fields import BRACKETS, Field

MANY_LETTERS = 6
"""Lower-case words with this many different letters are taken to be over the whole alphabet."""


T = TypeVar("T", int, str)


class Impossible(Exception):
    """No value keeps the relations (an empty range, too few distinct values)."""


def one_integer(field: Field, base: int, style: str, upper: int | None, rng: Random) -> int:
    """One integer of the field; `base` is the example's."""
    low, high = _bounds(field, upper)
    if style in ("keep", "reverse", "shuffle", "ascending", "descending"):
        style = rng.choice(("keep", "tweak", "random"))
    if style == "keep":
        return _clip(base, low, high)
    if style == "tweak":
        return _clip(base + rng.choice((-2, -1, 1, 2)), low, high)
    return _draw(field, style, low, high, rng)


def integers(field: Field, count: int, base: list[int], style: str, upper: int | None, rng: Random) -> list[int]:
    """`count` integers of the field that keep its permutation, distinctness and order."""
    if count == 0:
        return []
    low, high = _bounds(field, upper)
    if field.permutation:
        if count % field.times:
            raise Impossible
        return _arrange(list(range(field.low, field.low + count // field.times)) * field.times, style, rng)
    if field.order == "parents":
        return [rng.randint(1, i + 1) if style != "low" else 1 for i in range(count)]
    if field.distinct:
        return _ordered(field, _distinct(base, count, low, high, style, rng), rng, style)
    if style in ("keep", "tweak", "reverse", "shuffle") and base:
        values = [_clip(base[i % len(base)], low, high) for i in range(count)]
        if style == "tweak":
            for _ in range(rng.randint(1, 2)):
                at = rng.randrange(count)
                pool = (values[at] - 1, values[at] + 1, rng.choice(values), rng.randint(low, high), low)
                values[at] = _clip(rng.choice(pool), low, high)
    elif style == "equal":
        values = [_draw(field, rng.choice(("small", "random", "high")), low, high, rng)] * count
    elif style in ("low", "high"):
        rare = [low, high] if rng.random() < 0.5 else [_draw(field, "small", low, high, rng)]
        values = [rng.choice(rare) if rng.random() < 0.2 else (low if style == "low" else high) for _ in range(count)]
    else:
        top = _scale(field, style, low, high, rng)
        values = [rng.randint(_floor(field, low, top), top) for _ in range(count)]
    return _ordered(field, values, rng, style)


def words(field: Field, count: int, base: list[str], style: str, length: int | None, rng: Random) -> list[str]:
    """`count` words of the field; `length`, where known, is the length of each."""
    if field.vocabulary:
        return _arrange([rng.choice(field.vocabulary) for _ in range(count)], style, rng)
    if field.upper is not None and (length is None or length < 1):
        raise Impossible
    return [_word(field, base[i % len(base)] if base else "", style, length, rng) for i in range(count)]


def _word(field: Field, base: str, style: str, length: int | None, rng: Random) -> str:
    alphabet = field.alphabet or "a"
    if set(alphabet) <= set(ascii_lowercase) and len(alphabet) >= MANY_LETTERS and rng.random() < 0.5:
        alphabet = ascii_lowercase
    size = length if length is not None else _word_size(field, base, style, rng)
    if field.balanced:
        return _brackets(alphabet, size, style, rng)
    if style == "equal":
        return rng.choice(alphabet) * size
    if style in ("small", "low"):
        alphabet = "".join(rng.sample(alphabet, min(len(alphabet), 2)))
    if style in ("keep", "tweak", "shuffle", "reverse") and base:
        letters = [base[i % len(base)] for i in range(size)]
        if style == "tweak":
            letters[rng.randrange(size)] = rng.choice(alphabet)
        return "".join(_arrange(letters, style, rng))
    return "".join(_arrange([rng.choice(alphabet) for _ in range(size)], style, rng))


def _word_size(field: Field, base: str, style: str, rng: Random) -> int:
    low, high = max(field.low, 1), max(field.high, 1)
    if style in ("keep", "shuffle", "reverse") and base:
        return len(base)
    if style == "low":
        return low
    if style == "small":
        return rng.randint(low, min(high, low + 3))
    if style == "high":
        return rng.randint(low, max(low, min(high, 200)))
    return rng.randint(low, max(low, min(high, max(10, 2 * field.seen_high))))


def _brackets(alphabet: str, size: int, style: str, rng: Random) -> str:
    kinds = [c for c in BRACKETS if c in alphabet and BRACKETS[c] in alphabet]
    if size % 2:
        raise Impossible
    written: list[str] = []
    expected: list[str] = []
    while len(written) < size:
        left = size - len(written)
        deepen = rng.random() < 0.5 if style != "high" else True
        if not expected or (deepen and len(expected) < left):
            c = rng.choice(kinds)
            expected.append(BRACKETS[c])
            written.append(c)
        else:
            written.append(expected.pop())
    return "".join(written)


def _bounds(field: Field, upper: int | None) -> tuple[int, int]:
    if field.upper is not None and upper is None:
        raise Impossible
    high = field.high if upper is None else min(field.high, upper)
    if field.low > high:
        raise Impossible
    return field.low, high


def _clip(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def _scale(field: Field, style: str, low: int, high: int, rng: Random) -> int:
    """An upper end for random values: all over the range hardly ever collides, near the bottom often does."""
    near = max(low, 0) if low < 0 <= high else low
    if style == "small":
        return min(high, near + rng.choice((1, 2, 3, 5)))
    return min(
        high, rng.choice((near + 3, near + 10, max(near, field.seen_high), max(near, 2 * field.seen_high), high))
    )


def _floor(field: Field, low: int, top: int) -> int:
    """The lower end that goes with an upper end: symmetric where the range is."""
    return max(low, -abs(top)) if low < 0 else low


def _draw(field: Field, style: str, low: int, high: int, rng: Random) -> int:
    if style == "low":
        return low
    if style == "high":
        return high
    top = _scale(field, style, low, high, rng)
    return rng.randint(_floor(field, low, top), top)


def _distinct(base: list[int], count: int, low: int, high: int, style: str, rng: Random) -> list[int]:
    if high - low + 1 < count:
        raise Impossible
    if style in ("keep", "reverse", "shuffle", "tweak") and len(base) >= count:
        chosen = base[:count]
        if all(low <= value <= high for value in chosen):
            return chosen
    top = min(high, low + count + rng.choice((0, 2, count, 10 * count))) if style != "high" else high
    bottom = low if style != "high" else max(low, high - 2 * count)
    return rng.sample(range(bottom, max(top, bottom + count - 1) + 1), count)


def _ordered(field: Field, values: list[int], rng: Random, style: str) -> list[int]:
    if field.order == "ascending":
        return sorted(values)
    if field.order == "descending":
        return sorted(values, reverse=True)
    return _arrange(values, style, rng)


def _arrange(values: list[T], style: str, rng: Random) -> list[T]:
    if style == "reverse":
        return values[::-1]
    if style == "ascending":
        return sorted(values)
    if style == "descending":
        return sorted(values, reverse=True)
    if style in ("shuffle", "random", "small"):
        return rng.sample(values, len(values))
    return values
