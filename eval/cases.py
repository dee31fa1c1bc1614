"""Test cases in groups, as a judge walks them. Inputs and answers stay on disk until their turn comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from solver.errors import UserError


@dataclass(frozen=True, slots=True)
class Case:
    """One test. name: path below the data, without suffix. answers: every expected output that is right.

    flags: arguments of the output validator for this case.
    """

    name: str
    given: Path | bytes
    answers: tuple[Path | bytes, ...]
    flags: tuple[str, ...] = ()

    def input(self) -> bytes:
        """What the program reads. Raises UserError."""
        return _content(self.given)

    def outputs(self) -> tuple[bytes, ...]:
        """The expected outputs. Raises UserError."""
        return tuple(map(_content, self.answers))


@dataclass(frozen=True, slots=True)
class Group:
    """Cases and groups in the order in which they are judged.

    stop_at_reject: whether the first failure ends the group. grader: flags of the default grader (`eval.grading`).
    accept_score, reject_score: of a case whose validator gives none. best: the highest score, infinite when unknown.
    """

    name: str
    items: tuple[Group | Case, ...]
    stop_at_reject: bool = True
    grader: tuple[str, ...] = ()
    accept_score: float = 1.0
    reject_score: float = 0.0
    best: float = float("inf")

    def cases(self) -> Iterator[Case]:
        """Every case, in order."""
        for item in self.items:
            if isinstance(item, Case):
                yield item
            else:
                yield from item.cases()


def _content(part: Path | bytes) -> bytes:
    if isinstance(part, bytes):
        return part
    try:
        return part.read_bytes()
    except OSError as error:
        raise UserError(f"{part}: cannot be read ({error.strerror or error})") from None
