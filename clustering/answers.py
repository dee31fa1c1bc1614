"""Outputs of one input that are the same answer though not the same text: float noise and presentation.

Works on texts alone, column by column. Voting may count such outputs together; whether a checker would is another
question, so the exact class of a program is never given up. Not covered: answers that are equal by the problem's own
rules (see `clustering.merging`), texts of MAX_TEXT characters or more, which may have been cut.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping

import numpy as np

MAX_TEXT = 200
TOLERANCE = 1e-6
"""Absolute below 1 and relative above, as checkers have it."""
WHOLE = 1e-9
"""A float this near to a whole number, relatively, is that number."""

_PIECE = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[^\W\d]+|[^\w\s]")
_DECORATION = frozenset("[](){}<>,;:'\"`")
_WORDS = frozenset({"yes", "no", "true", "false", "none", "null", "possible", "impossible", "draw", "alice", "bob"})
"""Words that are told apart by their letters only. Other words keep their case: it may be the answer."""

Answer = tuple[tuple[str, ...], tuple[float, ...]]
"""The pieces of a text with `#` for a fraction, and the fractions."""


def read_answer(text: str) -> Answer:
    """What a text says, without brackets, commas, quotes and white space; numbers by value."""
    pieces: list[str] = []
    fractions: list[float] = []
    for piece in _PIECE.findall(text):
        if piece in _DECORATION:
            continue
        number = _fraction(piece)
        if number is None:
            pieces.append(piece.lower() if piece.lower() in _WORDS else piece)
        elif abs(number - round(number)) <= WHOLE * max(1.0, abs(number)):
            pieces.append(str(round(number)))
        else:
            pieces.append("#")
            fractions.append(number)
    return tuple(pieces), tuple(fractions)


def _fraction(piece: str) -> float | None:
    """The value of a number written with a point or an exponent; whole numbers stay text, exact at any length."""
    if not any(c.isdigit() for c in piece) or not any(c in ".eE" for c in piece):
        return None
    value = float(piece)
    return value if math.isfinite(value) else None


def same_answers(texts: Mapping[int, str]) -> dict[int, int]:
    """texts: output id → its text. Returns output id → the smallest id that says the same.

    Two ids with one text were cut: they stay apart from each other and from all others.
    """
    times = Counter(texts.values())
    groups: defaultdict[tuple[str, ...], list[tuple[int, tuple[float, ...]]]] = defaultdict(list)
    result = {number: number for number in texts}
    for number, text in sorted(texts.items()):
        if len(text) < MAX_TEXT and times[text] == 1:
            pieces, fractions = read_answer(text)
            if pieces:
                groups[pieces].append((number, fractions))
    for members in groups.values():
        for near in _near([fractions for _, fractions in members]):
            first = min(members[position][0] for position in near)
            result.update((members[position][0], first) for position in near)
    return result


def _near(vectors: list[tuple[float, ...]]) -> list[list[int]]:
    """Positions of vectors that are within the tolerance of a neighbour, in every place."""
    if len(vectors) < 2 or not vectors[0]:
        return [list(range(len(vectors)))]
    from sklearn.cluster import DBSCAN

    values = np.array(vectors, dtype=float)
    # Distances in this scale are absolute near 0 and relative far from it.
    scaled = np.sign(values) * np.log1p(np.abs(values))
    labels = DBSCAN(eps=TOLERANCE, min_samples=1, metric="chebyshev").fit_predict(scaled)
    return [np.flatnonzero(labels == label).tolist() for label in range(int(labels.max()) + 1)]
