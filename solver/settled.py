"""The settled prefix: the samples, in arrival order, whose programs have been fully judged.

The early stop is decided on this prefix alone. Programs finish out of order, and that order depends on the
machine; the prefix does not, so a recorded run stops at the same sample wherever it is replayed.
"""

from __future__ import annotations

from collections import Counter, deque

from clustering import Behaviour, enough_agreement
from solver.sieve import SieveResult


class SettledPrefix:
    """Feed it arrivals in order and results in any order; ask whether enough survivors agree."""

    def __init__(self, agreement: int) -> None:
        """agreement: number of samples with one behaviour that ends the run early; 0 never does."""
        self._agreement = agreement
        self._waiting: deque[str | None] = deque()
        self._behaviours: dict[str, Behaviour | None] = {}
        self._weights: Counter[Behaviour] = Counter()
        self.length = 0
        self.agreed_at: int | None = None

    def arrived(self, program: str | None) -> None:
        self._waiting.append(program)
        self._advance()

    def judged(self, result: SieveResult) -> None:
        self._behaviours[result.program] = result.behaviour
        self._advance()

    def _advance(self) -> None:
        while self.agreed_at is None and self._waiting:
            program = self._waiting[0]
            if program is not None and program not in self._behaviours:
                return
            self._waiting.popleft()
            self.length += 1
            behaviour = None if program is None else self._behaviours[program]
            if behaviour is not None:
                self._weights[behaviour] += 1
                if self._agreement and enough_agreement(self._weights, self._agreement):
                    self.agreed_at = self.length
