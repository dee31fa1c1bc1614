"""What the parts of one run's tracer share: its trace, the numbers of its spans, and which candidates are kept."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from hashlib import blake2b

from solver.store import Store
from solver.tracing.attributes import Attributes
from solver.tracing.export import Exports, Finished, Happening

ROOT = "run"
_META = "trace"


class Book:
    """One run's trace. The store keeps its number, so a resumed run goes on in the same trace.

    A span's number follows from what it is about (`number`), so a child can name its parent whether that is still
    open, ended long ago or belongs to a process that was killed; and a run that is resumed twice numbers alike.
    """

    def __init__(self, store: Store, exports: Exports, rate: float, content: bool) -> None:
        """rate: share of candidates to keep, 0 to 1. content: whether texts are recorded."""
        self.trace, self.begun = _trace(store)
        self.root = self.number(ROOT)
        self.content = content
        self._exports = exports
        self._rate = rate
        self._dropped_before = exports.dropped

    @property
    def dropped(self) -> int:
        """Spans lost to a full queue since this run began; with several runs at once, theirs among them."""
        return self._exports.dropped - self._dropped_before

    def number(self, *about: object) -> int:
        """A span's 64-bit number."""
        text = "\0".join(map(str, (self.trace, *about)))
        return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") or 1

    def keeps(self, key: str) -> bool:
        """Head sampling: decided by the program's key (hexadecimal) alone, so alike in every run and on resumption."""
        return int(key[:13], 16) < self._rate * 16**13

    def keeps_number(self, number: int) -> bool:
        """The same for a span that has a number but no key."""
        return self.keeps(f"{number:016x}")

    def add(
        self,
        name: str,
        number: int,
        parent: int | None,
        begun: int,
        attributes: Attributes,
        happenings: Sequence[Happening] = (),
        *,
        error: str | None = None,
        client: bool = False,
        vital: bool = False,
    ) -> None:
        """A span that ends now."""
        ended = max(begun, now())
        self._exports.add(
            Finished(name, self.trace, number, parent, begun, ended, attributes, happenings, error, client, vital)
        )


def now() -> int:
    """Nanoseconds since the epoch, as OpenTelemetry counts them."""
    return time.time_ns()


def trace_of(store: Store) -> int | None:
    """The number of a run's trace; None when it was never traced."""
    recorded = store.meta(_META)
    return None if recorded is None else int(recorded.split()[0], 16)


def _trace(store: Store) -> tuple[int, int]:
    """(128-bit number, when the run was first traced), made and stored where there is none."""
    recorded = store.meta(_META)
    if recorded is None:
        recorded = f"{secrets.randbits(128) or 1:032x} {now()}"
        store.set_meta(_META, recorded)
    number, begun = recorded.split()
    return int(number, 16), int(begun)
