"""Outcomes that are known already: the same program on the same input within the same limits runs once."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from sandbox.types import Limits, Outcome, Program, Verdict

_RECORD_BYTES = 600  # an outcome without its texts, and its key

Key = tuple[str, bytes, Limits]


def key_of(
    program: Program,
    stdin: bytes,
    limits: Limits,
    arguments: Sequence[str],
    files: Mapping[str, bytes],
    collect: Sequence[str],
) -> Key:
    """What an outcome depends on, as far as we know: a program that reads the clock may differ."""
    digest = hashlib.blake2b(stdin, digest_size=16)
    for part in (*arguments, b"", *(piece for item in files.items() for piece in item), b"", *collect):
        raw = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return program.digest, digest.digest(), limits


class ResultCache:
    """Keeps the most recently used outcomes, `max_bytes` of them. Internal errors are not kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._outcomes: OrderedDict[Key, Outcome] = OrderedDict()

    def get(self, key: Key) -> Outcome | None:
        """The outcome, if it is known."""
        outcome = self._outcomes.get(key)
        if outcome is not None:
            self._outcomes.move_to_end(key)
        return outcome

    def put(self, key: Key, outcome: Outcome) -> None:
        """Keeps an outcome, and lets the oldest go."""
        if outcome.verdict is Verdict.IE or key in self._outcomes:
            return
        self._outcomes[key] = dataclasses.replace(outcome, files=dict(outcome.files))
        self._bytes += _bytes_of(outcome)
        while self._bytes > self._max_bytes:
            self._bytes -= _bytes_of(self._outcomes.popitem(last=False)[1])


def _bytes_of(outcome: Outcome) -> int:
    return _RECORD_BYTES + len(outcome.output) + len(outcome.stderr) + sum(map(len, outcome.files.values()))
