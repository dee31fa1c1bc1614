"""The search: Optuna's tree-structured Parzen estimator (Bergstra et al., 2011) over settings, kept in a SQLite file.

Every trial has a sampler of its own, seeded by the trial's number, so that a search that was stopped and taken up again
makes the trials of an undisturbed one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.tune.replay import Replay, Score
from eval.tune.setting import Setting, Space
from solver.errors import UserError

_STUDY = "codesieve-tune"


@dataclass(frozen=True, slots=True)
class Found:
    """best: the setting of the highest score, the cheapest of those. trials: how many were made in all."""

    best: Setting
    trials: int


def search(
    replay: Replay,
    space: Space,
    trials: int,
    *,
    seed: int,
    storage: Path,
    about: dict[str, Any],
    on_trial: Callable[[int, float], None],
) -> Found:
    """Goes on with the trials that are in `storage`, up to `trials` in all; the first is the base.

    about: what the search is of; a storage of another search is refused. on_trial: told after each trial how many there
    are and the best score. Raises UserError.
    """
    optuna = _optuna()
    study = _study(optuna, storage, about)
    done = len(study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,)))
    if not done:
        study.enqueue_trial(space.base_parameters(), skip_if_exists=True)
    best = max((trial.value for trial in study.get_trials(deepcopy=False) if trial.value is not None), default=0.0)
    for number in range(done, trials):
        study.sampler = optuna.samplers.TPESampler(seed=seed * 1_000_003 + number)
        trial = study.ask()
        setting = space.suggest(trial)
        score = replay.score(setting)
        trial.set_user_attr("setting", json.dumps(setting.plain()))
        trial.set_user_attr("cost", score.cost)
        study.tell(trial, score.value)
        best = max(best, score.value)
        on_trial(number + 1, best)
    return Found(_best(optuna, study, replay, space), max(done, trials))


def _best(optuna: Any, study: Any, replay: Replay, space: Space) -> Setting:
    """Also the base, which the optimiser may not be able to name exactly; of equal ones the first."""
    complete = study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    tried = [
        (-round(float(one.value), 9), float(one.user_attrs["cost"]), one.number, one.user_attrs["setting"])
        for one in complete
    ]
    base: Score = replay.score(space.base)
    tried.append((-round(base.value, 9), base.cost, -1, json.dumps(space.base.plain())))
    return Setting.from_plain(json.loads(min(tried)[3]))


def _study(optuna: Any, storage: Path, about: dict[str, Any]) -> Any:
    try:
        study = optuna.create_study(
            storage=f"sqlite:///{storage}", study_name=_STUDY, direction="maximize", load_if_exists=True
        )
        known = study.user_attrs.get("about")
    except Exception as error:  # whatever the database says
        raise UserError(f"{storage}: cannot be used for trials ({_first_line(error)}); choose another --out") from None
    if known is None:
        study.set_user_attr("about", about)
    elif known != about:
        other = next(key for key in (*about, *known) if known.get(key) != about.get(key))
        raise UserError(f"{storage}: holds trials of another search (its {other} differs); choose another --out")
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)  # it was killed
    return study


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise UserError("solve tune searches with Optuna: pip install 'codesieve[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
