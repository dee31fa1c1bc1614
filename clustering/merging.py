"""Which exact behaviour classes back the same answer: what exact equality of outputs gets wrong.

Three steps. (1) Outputs that differ only by float noise or presentation count as one (`clustering.answers`). (2)
Classes that agree wherever both answered are joined when the rest is time-outs or missing cells: agglomerative
clustering with complete linkage, so that no two programs seen to differ ever meet in one group. (3) Where several
answers are right, exact agreement is too much to ask: groups are then made by average agreement, in which another order
of the same pieces counts half.

A group says who votes together. Whom to submit is a matter of exact classes: a program that is too slow, or that
writes `Yes` where others write `YES`, backs the group's answer but may fail where they pass. Only the MAX_CLASSES
heaviest classes are compared with each other; the others stay as step 1 left them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from clustering.answers import read_answer, same_answers
from clustering.evidence import FAULT_IDS, FIRST_OUTPUT, MISSING, Evidence
from sandbox.types import Verdict

Indexes = NDArray[np.intp]

MAX_CLASSES = 1000
LEAST_OVERLAP = 0.5
"""Classes join only if they gave equal outputs on more than this share of the inputs."""
SOFT_DISTANCE = 0.5
"""Where several answers are right: groups whose average disagreement is below this join."""
OPEN = (MISSING, FAULT_IDS[Verdict.TLE])
"""Values that say nothing about what the program would have answered."""

_SAID = re.compile(
    r"\bany of (?:them|these|the (?:correct|valid|possible|optimal))"
    r"|(?:print|output|return|find|report|choose|give) any (?:one|valid|possible|suitable|correct|such|answer|solution)"
    r"|if (?:there (?:are|exist|is) )?(?:several|multiple|many|more than one)"
    r"(?: (?:possible|correct|valid|optimal|such|different))* (?:answer|solution|output|sequence|way|option)"
    r"|(?:print|output|return)[^.\n]{0,60} in any order",
    re.IGNORECASE,
)
DIFFERING, PERMUTED = 0.5, 0.8
"""Several answers are right when at least DIFFERING of all pairs of samples disagree, PERMUTED of those by order only.

A smaller disagreement is that of a few wrong programs: on sorting problems they too differ by order only.
"""


@dataclass(frozen=True, slots=True)
class SeveralAnswers:
    """Whether a problem seems to have several right outputs per input.

    said: the statement says so. disagreement: share of pairs of samples, over inputs, whose outputs differ.
    permuted: share of those pairs whose outputs are made of the same pieces in another order (0 without texts).
    """

    said: bool
    disagreement: float
    permuted: float

    @property
    def likely(self) -> bool:
        """True when the statement says so or disagreeing samples hardly differ but in order."""
        return self.said or (self.disagreement >= DIFFERING and self.permuted >= PERMUTED)


@dataclass(frozen=True, slots=True)
class Merged:
    """exact, groups: shape (len(who),), numbered from 0 by first appearance; a group is a union of exact classes.

    after_texts: how many classes were left when texts had been compared, before step 2 or 3.
    """

    exact: Indexes
    groups: Indexes
    after_texts: int
    several: SeveralAnswers


def merge(evidence: Evidence, who: Indexes) -> Merged:
    """Groups of the candidates at the indexes `who`, by the answers they back."""
    rows = np.ascontiguousarray(evidence.outcomes[who])
    weight = np.array([evidence.candidates[index].weight for index in who], dtype=float)
    exact = _numbered(rows)
    same = _numbered(said := _one_id_an_answer(rows, evidence))
    several = several_answers(evidence, who)
    if rows.shape[1] == 0 or not len(who) or (count := int(same.max()) + 1) == 1:
        return Merged(exact, same, int(same.max()) + 1 if len(who) else 0, several)
    _, first = np.unique(same, return_index=True)
    heaviest = np.argsort(-np.bincount(same, weights=weight), kind="stable")[:MAX_CLASSES]
    table = said[first[heaviest]]
    labels = _soft(table, evidence) if several.likely else _compatible(table)
    label_of = np.arange(count) + len(heaviest)
    label_of[heaviest] = labels
    return Merged(exact, _numbered(label_of[same][:, None]), count, several)


def several_answers(evidence: Evidence, who: Indexes) -> SeveralAnswers:
    """From the statement's words, and from how outputs differ among the candidates `who`."""
    weight = np.array([evidence.candidates[index].weight for index in who], dtype=float)
    pairs = differ = permuted = 0.0
    for column, texts in enumerate(evidence.outputs):
        values = evidence.outcomes[who, column]
        mass = np.bincount(values[values >= FIRST_OUTPUT], weights=weight[values >= FIRST_OUTPUT])
        by_pieces: dict[Any, float] = {}
        for value in np.flatnonzero(mass):
            key = _pieces(texts.get(int(value)), int(value))
            by_pieces[key] = by_pieces.get(key, 0.0) + float(mass[value])
        equal, total = float((mass**2).sum()), float(mass.sum()) ** 2
        pairs += total
        differ += total - equal
        permuted += sum(share**2 for share in by_pieces.values()) - equal
    return SeveralAnswers(
        said=_SAID.search(evidence.statement) is not None,
        disagreement=differ / pairs if pairs else 0.0,
        permuted=permuted / differ if differ > 0 else 0.0,
    )


def _pieces(text: str | None, value: int) -> Any:
    """The pieces of a text without their order; a text that is not known is like no other."""
    if text is None:
        return value
    pieces, fractions = read_answer(text)
    return tuple(sorted(pieces)), tuple(sorted(fractions))


def _one_id_an_answer(rows: NDArray[np.int32], evidence: Evidence) -> NDArray[np.int32]:
    result = rows.copy()
    for column, texts in enumerate(evidence.outputs):
        seen = set(np.unique(rows[:, column]).tolist())
        moved = same_answers({number: text for number, text in texts.items() if number in seen})
        for number, first in moved.items():
            if number != first:
                result[rows[:, column] == number, column] = first
    return result


def _compatible(table: NDArray[np.int32]) -> Indexes:
    """Labels of rows: joined if they never differ where both have a value, outputs nearest first."""
    known = ~np.isin(table, OPEN)
    if known.all():
        return np.arange(len(table))
    outputs = _one_hot(table, table >= FIRST_OUTPUT)
    equal = (values := _one_hot(table, known)) @ values.T
    both = known.astype(np.float64) @ known.T.astype(np.float64)
    overlap = (outputs @ outputs.T).toarray() / table.shape[1]
    distance = np.where(both - equal.toarray() > 0.5, 1.0, np.minimum(1.0 - overlap, 1.0))
    return _agglomerated(distance, "complete", 1.0 - LEAST_OVERLAP)


def _soft(table: NDArray[np.int32], evidence: Evidence) -> Indexes:
    """Labels of rows: joined by average agreement, where the same pieces in another order count half."""
    equal = _one_hot(table, table >= FIRST_OUTPUT)
    pieces = table.copy()
    for column, texts in enumerate(evidence.outputs):
        numbers: dict[Any, int] = {}
        for value in np.unique(table[:, column]).tolist():
            if value >= FIRST_OUTPUT:
                number = numbers.setdefault(_pieces(texts.get(value), value), FIRST_OUTPUT + len(numbers))
                pieces[table[:, column] == value, column] = number
    alike = _one_hot(pieces, table >= FIRST_OUTPUT)
    agreement = ((equal @ equal.T).toarray() + (alike @ alike.T).toarray()) / (2 * table.shape[1])
    return _agglomerated(1.0 - agreement, "average", SOFT_DISTANCE)


def _one_hot(table: NDArray[np.int32], use: NDArray[np.bool_]) -> csr_matrix:
    """Sparse, shape (rows, distinct (input, value) pairs): 1 where a row has that value and `use` allows it."""
    row, column = np.nonzero(use)
    span = int(table.max()) + 2
    _, feature = np.unique(column.astype(np.int64) * span + table[row, column], return_inverse=True)
    width = int(feature.max()) + 1 if len(feature) else 1
    return csr_matrix((np.ones(len(row)), (row, feature)), shape=(len(table), width))


def _agglomerated(distance: NDArray[np.float64], linkage: str, threshold: float) -> Indexes:
    from sklearn.cluster import AgglomerativeClustering

    np.fill_diagonal(distance, 0.0)
    model = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage=linkage, distance_threshold=threshold
    )
    return np.asarray(model.fit_predict(distance), dtype=np.intp)


def _numbered(rows: NDArray[Any]) -> Indexes:
    """Equal rows get equal numbers, from 0 by first appearance."""
    numbers: dict[bytes, int] = {}
    table = np.ascontiguousarray(rows)
    return np.array([numbers.setdefault(row.tobytes(), len(numbers)) for row in table], dtype=np.intp)
