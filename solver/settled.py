"""The settled prefix: the samples, in arrival order, whose programs have been fully judged.

The early stop is decided on this prefix alone. Programs finish out of order, and that order depends on the
machine; the prefix does not, so a recorded run stops at the same sample wherever it is replayed.
"""

from __future__ import annotations

from collections import Counter, deque

from clustering import Behaviour, enough_agreement
from clustering.stopping import Race
from solver.sieve import SieveResult


class SettledPrefix:
    """Feed it arrivals in order and results in any order; ask whether enough survivors agree.

    It remembers programs that are being judged, and survivors; one that is neither has failed.
    """

    def __init__(self, agreement: int | None, submissions: int = 1) -> None:
        """agreement: number of samples with one behaviour that ends the run early; 0 never does, None ends it when
        more samples are not likely to change the answer of so many submissions.
        """
        self._agreement = agreement
        self._race = Race(submissions)
        self._waiting: deque[str | None] = deque()
        self._pending: set[str] = set()
        self._survivors: dict[str, Behaviour] = {}
        self._behaviours: dict[Behaviour, Behaviour] = {}  # one object for all that behave alike
        self._weights: Counter[Behaviour] = Counter()
        self.length = 0
        self.agreed_at: int | None = None

    def arrived(self, program: str | None, is_new: bool) -> None:
        """is_new: the first sample with this program, which will be judged; a later one shares its result."""
        if program is not None and is_new and program not in self._survivors:
            self._pending.add(program)
        self._waiting.append(program)
        self._advance()

    def judged(self, result: SieveResult) -> None:
        self._pending.discard(result.program)
        if result.behaviour is not None:
            self._survivors[result.program] = self._behaviours.setdefault(result.behaviour, result.behaviour)
        self._advance()

    def _advance(self) -> None:
        while self.agreed_at is None and self._waiting:
            program = self._waiting[0]
            if program in self._pending:
                return
            self._waiting.popleft()
            self.length += 1
            behaviour = None if program is None else self._survivors.get(program)
            if behaviour is not None and self._enough_with(behaviour):
                self.agreed_at = self.length

    def _enough_with(self, behaviour: Behaviour) -> bool:
        if self._agreement is None:
            self._race.add(behaviour)
            return self._race.settled
        self._weights[behaviour] += 1
        return self._agreement > 0 and enough_agreement(self._weights, self._agreement)
