"""The clusters of one problem as a reader wants them: largest first, and the few inputs that tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustering.evidence import FAULT_IDS, FIRST_OUTPUT, MISSING, Evidence
from clustering.policies.signals import classes, weights

_FAULT_NAMES = {number: verdict.value for verdict, number in FAULT_IDS.items()}


@dataclass(frozen=True, slots=True)
class Group:
    """Survivors of one behaviour. index: rank, as in the run's report. rows: of the evidence, earliest first.
    failing: its programs give no output on any input."""

    index: int
    rows: tuple[int, ...]
    samples: int
    failing: bool

    @property
    def leader(self) -> int:
        """The row of its earliest program."""
        return self.rows[0]


def groups_of(evidence: Evidence) -> list[Group]:
    """Those that fail on every input last, then most samples first, then by the earliest sample; none without a
    survivor. The same order as `clustering.cluster` gives."""
    who = np.flatnonzero(evidence.passes)
    if not len(who):
        return []
    numbers, weight = classes(evidence, who), weights(evidence, who)
    failing = _fails_everywhere(evidence, who)
    found = []
    for number in range(int(numbers.max()) + 1):
        inside = np.flatnonzero(numbers == number)
        rows = sorted((int(row) for row in who[inside]), key=lambda row: evidence.candidates[row].order)
        found.append((bool(failing[inside[0]]), -int(weight[inside].sum()), evidence.candidates[rows[0]].order, rows))
    found.sort(key=lambda entry: entry[:3])
    return [Group(index, tuple(rows), -minus, fails) for index, (fails, minus, _, rows) in enumerate(found)]


def _fails_everywhere(evidence: Evidence, who: NDArray[np.intp]) -> NDArray[np.bool_]:
    seen = evidence.outcomes[who]
    return np.asarray((seen != MISSING).any(axis=1) & ~(seen >= FIRST_OUTPUT).any(axis=1))


@dataclass(frozen=True, slots=True)
class Cell:
    """What a group does on an input. kind: `fault` (text: its name), `output` (its beginning), `class` (the output is
    not kept; groups with the same letter gave the same one) or `unknown`."""

    kind: Literal["fault", "output", "class", "unknown"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class DecidingInput:
    """An input and what each group does on it. separates: pairs of groups that it is the first to tell apart."""

    column: int
    cells: tuple[Cell, ...]
    separates: int


Outputs = Mapping[tuple[str, str], str]
"""(program key, input text) → the beginning of what it printed, as far as a run keeps it."""


def deciding_inputs(
    evidence: Evidence, groups: Sequence[Group], at_most: int, known: Outputs | None = None
) -> list[DecidingInput]:
    """Few inputs that tell these groups apart: each separates the most pairs not yet separated, a pair counting the
    samples of its smaller group; of equals the shorter text. Fewer when no pair is left."""
    outcomes = evidence.outcomes[[group.leader for group in groups]] if groups else evidence.outcomes[:0]
    pairs = [(a, b, min(groups[a].samples, groups[b].samples)) for a, b in combinations(range(len(groups)), 2)]
    found: list[DecidingInput] = []
    while pairs and len(found) < at_most:
        gains = [sum(w for a, b, w in pairs if outcomes[a, c] != outcomes[b, c]) for c in range(outcomes.shape[1])]
        best = max(range(len(gains)), key=lambda c: (gains[c], -len(evidence.inputs[c].text), -c), default=None)
        if best is None or not gains[best]:
            break
        left = [pair for pair in pairs if outcomes[pair[0], best] == outcomes[pair[1], best]]
        cells = _cells(evidence, best, [group.leader for group in groups], known or {})
        found.append(DecidingInput(best, cells, len(pairs) - len(left)))
        pairs = left
    return found


def _cells(evidence: Evidence, column: int, leaders: Sequence[int], known: Outputs) -> tuple[Cell, ...]:
    kept = evidence.outputs[column] if column < len(evidence.outputs) else {}
    given = evidence.inputs[column].text
    letters: dict[int, str] = {}
    cells = []
    for row in leaders:
        value = int(evidence.outcomes[row, column])
        if value < FIRST_OUTPUT:
            name = _FAULT_NAMES.get(value)
            cells.append(Cell("fault", name) if name else Cell("unknown"))
            continue
        letter = letters.setdefault(value, _letter(len(letters)))
        text = kept.get(value) or known.get((evidence.candidates[row].key, given))
        cells.append(Cell("output", text) if text else Cell("class", letter))
    return tuple(cells)


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"A{number}"
