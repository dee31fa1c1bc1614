"""P(correct) of a candidate: logistic regression over `features`, stored as plain numbers with its training recipe.

Few parameters and a strong prior, because recorded pools have some hundred problems. Each problem weighs the same in
training, however many candidates it has. A scorer holds one regression for new problems and, for each problem it was
trained on, one that has never seen that problem: figures on its own training pools are held-out figures. Not covered:
anything that reads the problem or the program's meaning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from clustering.evidence import Evidence
from clustering.policies import signals
from clustering.policies.features import NAMES, features, is_filtered
from clustering.policies.signals import Floats, Indexes, survivors, weights

FORMAT = "codesieve-scorer/1"
REGULARISATION = 0.3
FOLDS = 20
SETTINGS = ("filtered, tests", "filtered, outputs", "unfiltered, tests", "unfiltered, outputs")

USED = {"unfiltered, outputs": ("agreement", "relative_agreement")}
"""Features of settings in which not all are learnt from. Without examples and tests the inputs come from a signature
alone, many break the rules, and exact behaviour classes fall apart on them; agreement does not."""

Example = tuple[Evidence, NDArray[np.bool_]]
"""A problem's evidence and which candidates are right, shape (n,)."""


class BadScorer(ValueError):
    """A scorer file that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Regression:
    """P = sigmoid(bias + coefficients · (x - means) / scales)."""

    coefficients: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    bias: float

    def probability(self, x: Floats) -> Floats:
        """x: shape (n, features)."""
        logit = self.bias + ((x - np.array(self.means)) / np.array(self.scales)) @ np.array(self.coefficients)
        return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit, -30, 30))))


Regressions = dict[str, Regression]
"""One for each setting, see `setting`: a share of survivors means something else than a share of all samples."""


def setting(evidence: Evidence, who: Indexes) -> str:
    """Whether examples have dropped anybody, and whether there are tests that a model wrote."""
    filtered = "filtered" if is_filtered(evidence, who) else "unfiltered"
    return f"{filtered}, {'outputs' if signals.tests_passed(evidence, who) is None else 'tests'}"


@dataclass(frozen=True, slots=True)
class Scorer:
    """names: the features used. fold_of: digest of a training problem's name → which of `folds` has not seen it.

    recipe: how it was trained, for people.
    """

    names: tuple[str, ...]
    main: Regressions
    folds: tuple[Regressions, ...] = ()
    fold_of: dict[str, int] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    format: str = FORMAT

    def probability(self, evidence: Evidence, who: Indexes) -> Floats:
        """P(correct) of each candidate, shape (len(who),)."""
        columns = [NAMES.index(name) for name in self.names]
        fold = self.fold_of.get(name_digest(evidence.problem))
        regressions = self.main if fold is None else self.folds[fold]
        return regressions[setting(evidence, who)].probability(features(evidence, who)[:, columns])

    def save(self, path: Path) -> None:
        """Writes JSON."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")


def name_digest(problem: str) -> str:
    """Names of training problems are kept as digests: enough to know them again."""
    return hashlib.sha256(problem.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def load_scorer(path: Path | None = None) -> Scorer:
    """The scorer in a file, or the one that comes with codesieve. Raises BadScorer."""
    try:
        text = path.read_bytes() if path else (files("clustering.policies") / "scorer.json").read_bytes()
        scorer = msgspec.json.decode(text, type=Scorer)
    except (OSError, msgspec.MsgspecError) as error:
        raise BadScorer(f"{path or 'scorer.json'} is no scorer: {error}; `solve train-scorer` makes one") from None
    sizes = {
        len(part)
        for regressions in (scorer.main, *scorer.folds)
        for one in regressions.values()
        for part in (one.coefficients, one.means, one.scales)
    }
    complete = all(set(regressions) == set(SETTINGS) for regressions in (scorer.main, *scorer.folds))
    known = complete and scorer.format == FORMAT and set(scorer.names) <= set(NAMES) and sizes == {len(scorer.names)}
    if not known or not all(0 <= fold < len(scorer.folds) for fold in scorer.fold_of.values()):
        raise BadScorer(f"{path or 'scorer.json'} is for other features than these; train it again")
    return scorer


def train(
    examples: Sequence[Example],
    *,
    names: Sequence[str] = NAMES,
    regularisation: float = REGULARISATION,
    folds: int = FOLDS,
    recipe: dict[str, Any] | None = None,
) -> Scorer:
    """Learns from survivors of the filter, for each setting apart.

    regularisation: inverse strength C of the L2 penalty. folds: into how many parts the problems are divided for
    held-out scoring; a problem that occurs in several settings or pools is in one part. Raises ValueError unless some
    candidates are right and some are wrong.
    """
    tables = [_table(evidence, right, names) for evidence, right in examples]
    problems = sorted({table.problem for table in tables})
    fold_of = {problem: index % folds for index, problem in enumerate(problems)}
    parts = []
    for fold in range(min(folds, len(problems))):
        try:
            parts.append(
                _regressions([table for table in tables if fold_of[table.problem] != fold], names, regularisation)
            )
        except ValueError:  # too few problems to leave any out
            return Scorer(tuple(names), _regressions(tables, names, regularisation), recipe=recipe or {})
    return Scorer(tuple(names), _regressions(tables, names, regularisation), tuple(parts), fold_of, recipe or {})


@dataclass(frozen=True, slots=True)
class _Table:
    """One problem's survivors as training data. weight: sums to 1."""

    problem: str
    setting: str
    x: Floats
    right: NDArray[np.bool_]
    weight: Floats


def _table(evidence: Evidence, right: NDArray[np.bool_], names: Sequence[str]) -> _Table:
    who = survivors(evidence)
    weight = weights(evidence, who)
    x = features(evidence, who)[:, [NAMES.index(name) for name in names]]
    share = weight / weight.sum() if len(who) else weight
    return _Table(name_digest(evidence.problem), setting(evidence, who), x, right[who], share)


def _regressions(tables: Sequence[_Table], names: Sequence[str], regularisation: float) -> Regressions:
    """A setting in which nothing can be learnt is scored like all settings together. Raises ValueError."""
    if not _teach(tables):
        raise ValueError("a scorer needs problems with right and with wrong candidates")
    own = {name: [table for table in tables if table.setting == name] for name in SETTINGS}
    return {
        name: _regression(part if _teach(part) else tables, _used(name, names), regularisation)
        for name, part in own.items()
    }


def _used(name: str, names: Sequence[str]) -> NDArray[np.bool_]:
    """Which features a setting's regression may use; all where it would be left without any."""
    wanted = USED.get(name, names)
    used = np.array([feature in wanted for feature in names])
    return used if used.any() else np.ones(len(names), dtype=bool)


def _teach(tables: Sequence[_Table]) -> bool:
    """Whether there are right and wrong candidates among them."""
    return len({bool(right) for table in tables for right in table.right}) == 2


def _regression(tables: Sequence[_Table], used: NDArray[np.bool_], regularisation: float) -> Regression:
    from sklearn.linear_model import LogisticRegression

    x, y, w = (np.concatenate([getattr(table, part) for table in tables]) for part in ("x", "right", "weight"))
    means = np.average(x, axis=0, weights=w)
    scales = np.sqrt(np.average((x - means) ** 2, axis=0, weights=w))
    scales[scales < 1e-9] = 1.0
    z = ((x - means) / scales)[:, used]
    model = LogisticRegression(C=regularisation, max_iter=2000).fit(z, y, sample_weight=w)
    coefficients = np.zeros(len(used))
    coefficients[used] = model.coef_[0]
    return Regression(
        tuple(map(float, coefficients)),
        tuple(map(float, means)),
        tuple(map(float, scales)),
        float(model.intercept_[0]),
    )
