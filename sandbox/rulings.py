"""What a checker says of an output, and the exception for one that cannot say anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether an output is right. message: why, for people. score: given by some Kattis validators."""

    accepted: bool
    message: str = ""
    score: float | None = None


class CheckerFailed(RuntimeError):
    """A checker crashed, ran out of its limits or broke its own rules: IE, never the program's WA."""
