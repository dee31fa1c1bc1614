"""The (program × input) matrix, grown as programs and inputs arrive, with its exact behaviour classes kept up to date.

A cell is a small number: outputs are numbered per input by first appearance, as `Evidence` wants them. Memory is four
bytes a cell, whatever the outputs are: 100,000 programs × 50 inputs take 20 MB. Nothing is recomputed: only rows that
changed since the last question are hashed again, and a new input leaves alone the rows that were not run on it.
Not covered: which programs are alike though not equal (`clustering.merging`).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from clustering.evidence import FAULT_IDS, FIRST_OUTPUT, MISSING

_FAULTS = {fault.value: number for fault, number in FAULT_IDS.items()}


class BehaviourMatrix:
    """Programs by key × inputs by number; a cell that was never observed is MISSING."""

    def __init__(self, inputs: int = 0) -> None:
        """inputs: how many there are to begin with."""
        self._rows: dict[str, int] = {}
        self._cells = np.full((16, max(8, inputs)), MISSING, dtype=np.int32)
        self._numbers: list[dict[str, int]] = [{} for _ in range(inputs)]
        self._classes: list[int] = []
        self._class_numbers: dict[bytes, int] = {}
        self._changed: set[int] = set()

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def keys(self) -> list[str]:
        """Programs in the order of their rows."""
        return list(self._rows)

    @property
    def inputs(self) -> int:
        """How many inputs have been observed or declared."""
        return len(self._numbers)

    @property
    def outcomes(self) -> NDArray[np.int32]:
        """Shape (programs, inputs), as in `Evidence`; a read-only view, valid until the next observation."""
        view = self._cells[: len(self._rows), : len(self._numbers)]
        view.flags.writeable = False
        return view

    def observe(self, key: str, first_input: int, tokens: Sequence[str | None]) -> None:
        """What one program did on consecutive inputs: tokens as `clustering.behaviour_token` makes them.

        A None says nothing and changes nothing. Raises ValueError if a cell already holds something else: a program
        is run once per input.
        """
        row = self._rows.setdefault(key, len(self._rows))
        end = first_input + len(tokens)
        self._make_room(row + 1, end)
        cells = self._cells[row]
        for column, token in enumerate(tokens, start=first_input):
            if token is None:
                continue
            value = self._number(column, token)
            if cells[column] not in (MISSING, value):
                raise ValueError(f"program {key!r} is observed twice on input {column}, and differs")
            cells[column] = value
        self._changed.add(row)

    def value(self, column: int, token: str) -> int:
        """The number of a token on an input; MISSING if no program gave it."""
        return _FAULTS.get(token, self._numbers[column].get(token, MISSING))

    def classes(self) -> NDArray[np.intp]:
        """Shape (programs,): the number of each program's exact behaviour class.

        Rows are in one class when they are equal in every cell, missing ones included. A class keeps its number;
        numbers of classes that lost all their programs to new observations are not used again.
        """
        self._classes.extend([-1] * (len(self._rows) - len(self._classes)))
        for row in sorted(self._changed):
            digest = blake2b(self._observed(row), digest_size=16).digest()
            self._classes[row] = self._class_numbers.setdefault(digest, len(self._class_numbers))
        self._changed.clear()
        return np.array(self._classes, dtype=np.intp)

    def _observed(self, row: int) -> bytes:
        """The row up to its last observation, so that inputs added later do not change it."""
        cells = self._cells[row]
        seen = np.flatnonzero(cells != MISSING)
        return cells[: seen[-1] + 1].tobytes() if len(seen) else b""

    def _number(self, column: int, token: str) -> int:
        if token in _FAULTS:
            return _FAULTS[token]
        numbers = self._numbers[column]
        return numbers.setdefault(token, FIRST_OUTPUT + len(numbers))

    def _make_room(self, rows: int, columns: int) -> None:
        self._numbers.extend({} for _ in range(columns - len(self._numbers)))
        height, width = self._cells.shape
        if rows > height or columns > width:
            shape = (_grown(height, rows), _grown(width, columns))
            larger = np.full(shape, MISSING, dtype=np.int32)
            larger[:height, :width] = self._cells
            self._cells = larger


def _grown(size: int, needed: int) -> int:
    """Half as much again at a time, so that growing costs a constant share of filling."""
    return size if needed <= size else max(needed, size + size // 2)
