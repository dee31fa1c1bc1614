"""Mutation of function calls: the argument text `[2, 3], k=5` becomes other arguments of the same types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count as counter
from math import isfinite
from random import Random
from string import ascii_lowercase, ascii_uppercase
from typing import Any

from clustering.literals import Call, parse_call, render
from clustering.texts import TextModel, model_texts

MAX_DEPTH = 8
MAX_SIZE = 40
STYLES = (
    "tweak", "random", "small", "resize", "cross", "empty", "equal", "shuffle", "edit", "ascending", "negate", "swap",
    "large", "scale",
)  # fmt: skip
TURNS_PER_REACH = 3 * len(STYLES)
"""Turns after which integers may go further beyond those of the examples: near ones may be used up by then."""
_NOT_EMPTY = re.compile(r"non-?empty|(?:0 *<|1 *(?:<=|≤)) *(?:\w+\.length|\|?\w+\|?\.size|len\()")
_EXACTLY = re.compile(r"(?<!at least )(?:exactly|of|consists? of) (?:exactly )?(?:two|three|2|3) (?!dimension)")
_AT_LEAST = re.compile(r"at least (two|three|2|3) (?:\w+ )?(?:elements|numbers|items|integers|values|entries)")

Path = tuple[int | str, ...]
"""An argument's position or keyword, then -1 for each list around a value."""


@dataclass(slots=True)
class Profile:
    """What the examples show at one path."""

    integers: list[int] = field(default_factory=list)
    letters: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    samples: list[Any] = field(default_factory=list)
    lists: list[list[Any]] = field(default_factory=list)


def mutate_calls(examples: Sequence[str], statement: str, rng: Random) -> Iterator[tuple[str, str]]:
    """Endless (argument text, origin) pairs; none when no example is a call with literal arguments."""
    calls = [call for example in examples if (call := parse_call(example)) is not None]
    if not calls:
        return
    profiles: dict[Path, Profile] = {}
    for call in calls:
        for name, value in call.arguments.items():
            _observe(value, (name,), profiles, MAX_DEPTH)
    writer = _CallWriter(calls, profiles, rng, statement[:20_000])
    for turn in counter():
        style = STYLES[turn % len(STYLES)]
        writer.reach = 1 + turn // TURNS_PER_REACH
        try:
            yield writer.write(calls[turn % len(calls)], style).text(), f"call:{style}"
        except (TypeError, ValueError, OverflowError):  # unhashable set members, int too large for repr
            yield calls[0].text(), "call:unchanged"


def _observe(value: Any, path: Path, profiles: dict[Path, Profile], depth: int) -> None:
    profile = profiles.setdefault(path, Profile())
    if isinstance(value, bool) or value is None or depth == 0:
        return
    if isinstance(value, int):
        profile.integers.append(value)
    elif isinstance(value, str):
        profile.letters.update(value[:1000])
        profile.texts.add(value)
    elif isinstance(value, list | tuple | set | frozenset):
        items = list(value)
        profile.lists.append(items)
        profile.samples += items[:50]
        for item in items[:200]:
            _observe(item, (*path, -1), profiles, depth - 1)
    elif isinstance(value, dict):
        for item in value.values():
            _observe(item, (*path, -1), profiles, depth - 1)


class _CallWriter:
    """Writes mutated calls that keep what all examples have in common."""

    def __init__(self, calls: list[Call], profiles: dict[Path, Profile], rng: Random, statement: str) -> None:
        self.calls, self.profiles, self.rng = calls, profiles, rng
        self.reach = 1
        least = _AT_LEAST.search(statement)
        self.least = {"two": 2, "2": 2}.get(least.group(1), 3) if least else int(bool(_NOT_EMPTY.search(statement)))
        self.fixed = {
            path
            for path, profile in profiles.items()
            if len(profile.lists) >= 2
            and {len(listed) for listed in profile.lists} in ({2}, {3})
            and _EXACTLY.search(statement)
        }
        self.texts = {path: model_texts(sorted(profile.texts), statement) for path, profile in profiles.items()}
        common = [name for name in calls[0].arguments if all(name in call.arguments for call in calls)]
        lists = [n for n in common if all(isinstance(call.arguments[n], list | tuple | str) for call in calls)]
        numbers = [n for n in common if all(type(call.arguments[n]) is int for call in calls)]
        self.same_length = [
            (a, b)
            for i, a in enumerate(lists)
            for b in lists[i + 1 :]
            if all(isinstance(c.arguments[a], list) and isinstance(c.arguments[b], list) for c in calls)
            and all(len(c.arguments[a]) == len(c.arguments[b]) for c in calls)
        ]
        self.is_length = [
            (n, of) for n in numbers for of in lists if all(c.arguments[n] == len(c.arguments[of]) for c in calls)
        ]
        self.within = [
            (n, of) for n in numbers for of in lists if all(0 <= c.arguments[n] <= len(c.arguments[of]) for c in calls)
        ]

    def write(self, call: Call, style: str) -> Call:
        arguments = dict(call.arguments)
        names = list(arguments)
        touched = set(names) if style in ("random", "small", "large", "scale") else {self.rng.choice(names)}
        if style == "cross":
            self._crossed(arguments)
        elif style == "swap" and self._swapped(arguments):
            return Call(arguments)
        else:
            factor = self.rng.choice((2, 3, 10))
            for name in names:
                if name in touched:
                    given = arguments[name]
                    arguments[name] = (
                        given * factor
                        if style == "scale" and type(given) is int
                        else self._mutate(given, (name,), style, MAX_DEPTH)
                    )
        for a, b in self.same_length:
            if a in arguments and b in arguments:
                arguments[b] = self._resized(arguments[b], len(arguments[a]), (b,))
        for n, of in self.is_length:
            if n in arguments and of in arguments:
                arguments[n] = len(arguments[of])
        for n, of in self.within:
            if n in arguments and of in arguments:
                arguments[n] = min(arguments[n], len(arguments[of]))
        return Call(arguments)

    def _crossed(self, arguments: dict[int | str, Any]) -> None:
        """Each argument from an example of its own; those of one length together."""
        together = {name for pair in (*self.same_length, *self.is_length, *self.within) for name in pair}
        for name in [name for name in arguments if name not in together]:
            given = self.rng.choice(self.calls).arguments
            arguments[name] = given.get(name, arguments[name])

    def _swapped(self, arguments: dict[int | str, Any]) -> bool:
        """Exchanges two arguments of one type; False when there are none."""
        pairs = [
            (a, b)
            for i, a in enumerate(arguments)
            for b in list(arguments)[i + 1 :]
            if type(arguments[a]) is type(arguments[b]) and not self.is_length and not self.within
        ]
        if not pairs:
            return False
        a, b = self.rng.choice(pairs)
        arguments[a], arguments[b] = arguments[b], arguments[a]
        return True

    def _mutate(self, value: Any, path: Path, style: str, depth: int) -> Any:
        if isinstance(value, bool):
            return self.rng.random() < 0.5
        if isinstance(value, int):
            return self._integer(value, path, style)
        if isinstance(value, float):
            return self._number(value, style)
        if isinstance(value, str):
            return self._string(value, path, style)
        if depth == 0:
            return value
        if isinstance(value, list):
            return self._list(value, path, style, depth)
        if isinstance(value, tuple):
            return tuple(self._mutate(item, (*path, -1), style, depth - 1) for item in value)
        if isinstance(value, set):
            return set(self._list(sorted(value, key=render), path, style, depth))
        if isinstance(value, dict):
            return {k: self._mutate(v, (*path, -1), style, depth - 1) for k, v in value.items()}
        return value

    def _integer(self, value: int, path: Path, style: str) -> int:
        seen = self.profiles.get(path, Profile()).integers or [value]
        low, high = min(seen), max(seen)
        if low >= 0 and high <= 1 and len(seen) >= 3:
            return self.rng.randint(0, 1)
        floor = min(low, 1 if low != 2 or len(seen) < 3 else 2) if low >= 0 else -max(-low, abs(high))
        if style == "negate" and low < 0:
            return -value
        if style in ("small", "empty"):
            return max(floor, self.rng.randint(min(floor, 0), 3))
        if style in ("large", "scale"):
            return self.rng.randint(floor, max(2 * high, 10) * self.reach)
        if style in ("tweak", "shuffle", "resize", "edit"):
            return max(floor, value + self.rng.choice((-2, -1, 1, 2)) * self.reach)
        return self.rng.randint(floor, max(high, floor + 10) * self.reach)

    def _number(self, value: float, style: str) -> float:
        if not isfinite(value):
            return value
        if style == "negate":
            return -value if value < 0 else value
        if style in ("small", "empty"):
            return float(self.rng.randint(0, 3))
        places = len(repr(value).partition(".")[2]) if abs(value) < 1e15 else 0
        return round(value * self.rng.choice((0.5, 1.5, 2.0)) + self.rng.random(), min(places, 6))

    def _string(self, value: str, path: Path, style: str) -> str:
        profile = self.profiles.get(path, Profile())
        known = self.texts.get(path, TextModel()).write(value, style, self.rng)
        if known is not None:
            return known if known or not self.least else value
        letters = sorted(profile.letters) or ["a"]
        plain = sum(c.islower() for c in letters), sum(c.isupper() for c in letters)
        if max(plain) >= 6 and self.rng.random() < 0.5:
            letters += ascii_lowercase if plain[0] >= plain[1] else ascii_uppercase
        if style == "empty":
            return value[: self.least]
        if style == "edit":
            at = self.rng.randrange(len(value) + 1)
            inserted = self.rng.random() < 0.5 or len(value) <= 1
            return value[:at] + self.rng.choice(letters) + value[at:] if inserted else value[:at] + value[at + 1 :]
        if style == "equal":
            return (value[:1] or letters[0]) * self.rng.randint(1, max(3, len(value)))
        if style == "tweak" and value:
            at = self.rng.randrange(len(value))
            return value[:at] + self.rng.choice(letters) + value[at + 1 :]
        if style == "shuffle":
            return "".join(self.rng.sample(value, len(value)))
        if style == "ascending":
            return "".join(sorted(value))
        if style == "negate":
            return value[::-1]
        if style == "resize":
            other = self.rng.choice(sorted(profile.texts)) if profile.texts else ""
            return (value + other)[:1000] if self.rng.random() < 0.5 else value[: self.rng.randint(1, len(value) or 1)]
        size = {"small": 3, "large": MAX_SIZE}.get(style, max(4, len(value) + 2))
        return "".join(self.rng.choice(letters) for _ in range(self.rng.randint(1, size)))

    def _list(self, value: list[Any], path: Path, style: str, depth: int) -> list[Any]:
        inner = (*path, -1)
        if path in self.fixed and style not in ("shuffle", "negate", "ascending", "tweak"):
            return [self._mutate(item, inner, style, depth - 1) for item in value]
        if style == "empty":
            return value[: self.least]
        if style in ("shuffle", "negate"):
            chosen = self.rng.sample(value, len(value)) if style == "shuffle" else value[::-1]
        elif style == "ascending":
            chosen = sorted(value, key=lambda item: (isinstance(item, str), item)) if _sortable(value) else value
        elif style == "equal":
            least = max(1, self.least)
            chosen = [self.rng.choice(value)] * self.rng.randint(least, max(least, len(value) + 1)) if value else value
        elif style == "tweak" and value:
            at = self.rng.randrange(len(value))
            chosen = [*value[:at], self._mutate(value[at], inner, style, depth - 1), *value[at + 1 :]]
        elif style == "edit" and value:
            at = self.rng.randrange(len(value))
            inserted = self.rng.random() < 0.5 or len(value) <= max(1, self.least)
            chosen = [*value[:at], self.rng.choice(value), *value[at:]] if inserted else value[:at] + value[at + 1 :]
        else:
            top = {"small": 3, "large": MAX_SIZE}.get(style, len(value) + 3)
            least = max(1, self.least)
            top = top if depth == MAX_DEPTH else max(2, top // 4)
            base = self._resized(value, self.rng.randint(least, max(least, top)), path)
            chosen = base if style == "resize" else [self._mutate(item, inner, style, depth - 1) for item in base]
        if chosen and self._rectangular(path) and all(isinstance(row, list) for row in chosen):
            width = self._width(path, chosen)
            chosen = [self._resized(row, width, inner) for row in chosen]
        return self._keep(chosen, path)

    def _rectangular(self, path: Path) -> bool:
        """Every list seen at the path is a list of lists of one length."""
        seen = self.profiles[path].lists if path in self.profiles else []
        return bool(seen) and all(
            all(isinstance(row, list) for row in rows) and len({len(row) for row in rows}) <= 1 for rows in seen
        )

    def _width(self, path: Path, rows: list[Any]) -> int:
        """The width for new rows: fixed for pairs and triples, as high for squares, else the widest."""
        seen = [listed for listed in self.profiles[path].lists if listed]
        widths = {len(listed[0]) for listed in seen}
        if all(len(listed) == len(listed[0]) for listed in seen):
            return len(rows)
        if len(widths) == 1 and max(widths) <= 3:
            return max(widths)
        return max((len(row) for row in rows), default=0)

    def _keep(self, values: list[Any], path: Path) -> list[Any]:
        """Sorted and distinct stay so where three or more examples, all of length 3 and up, show it."""
        seen = [listed for listed in self.profiles[path].lists if len(listed) >= 3] if path in self.profiles else []
        if len(seen) < 3 or not _sortable(values) or not all(_sortable(listed) for listed in seen):
            return values
        if all(len(set(listed)) == len(listed) for listed in seen):
            values = _made_distinct(values)
        if all(listed == sorted(listed) for listed in seen):
            values = sorted(values)
        return values

    def _resized(self, value: Any, size: int, path: Path) -> Any:
        if not isinstance(value, list):
            return value
        pool = value or (self.profiles[path].samples if path in self.profiles else [])
        extra = [self.rng.choice(pool) for _ in range(size - len(value))] if pool else []
        return (value + extra)[:size]


def _made_distinct(values: list[Any]) -> list[Any]:
    """Repeated integers moved above the largest value; other repeats are left out."""
    kept: list[Any] = []
    used: set[Any] = set()
    for item in values:
        if item in used:
            if type(item) is not int:
                continue
            item = max(used) + 1
        used.add(item)
        kept.append(item)
    return kept


def _sortable(values: list[Any]) -> bool:
    """All numbers or all strings."""
    return all(isinstance(item, int | float) for item in values) or all(isinstance(item, str) for item in values)
