"""The scorer: probabilities from evidence, held out for the problems it was trained on, stored as plain data."""

import json
from dataclasses import replace

import numpy as np
import pytest

from clustering.policies import BadScorer, load_scorer, rank, survivors, train
from clustering.policies.features import GROUPS, NAMES, features
from clustering.policies.scorer import SETTINGS, name_digest

from .test_policies import evidence


def problems(count, right_is_large=True):
    """Problems with a large and a small cluster, of which one is right."""
    found = []
    for number in range(count):
        rows = [[0, 1]] * (4 + number % 3) + [[2, 3]] * (1 + number % 2)
        right = np.array([(row == [0, 1]) == right_is_large for row in rows])
        found.append((replace(evidence(rows), problem=f"p{number}"), right))
    return found


def test_it_learns_which_cluster_to_believe():
    large, small = train(problems(12)), train(problems(12, right_is_large=False))
    new = replace(evidence([[0, 1]] * 5 + [[2, 3]] * 2), problem="new")
    assert rank(new, scorer=large)[0].key == "c0"
    assert rank(new, scorer=small)[0].key == "c5"


def test_a_problem_is_never_scored_by_what_was_trained_on_it():
    lie = problems(1, right_is_large=False)[0]
    lie = (replace(lie[0], problem="the lie"), lie[1])
    scorer = train([*problems(6), lie] + [(replace(lie[0], problem=f"lie {i}"), lie[1]) for i in range(5)], folds=12)
    fold = scorer.folds[scorer.fold_of[name_digest("the lie")]]
    without = train([*problems(6)] + [(replace(lie[0], problem=f"lie {i}"), lie[1]) for i in range(5)], folds=12)
    setting = "unfiltered, outputs"
    assert fold[setting].coefficients == pytest.approx(without.main[setting].coefficients)
    assert scorer.main[setting].coefficients != pytest.approx(without.main[setting].coefficients)


def test_names_of_training_problems_are_not_written_down(tmp_path):
    train(problems(12)).save(tmp_path / "scorer.json")
    assert '"p3"' not in (tmp_path / "scorer.json").read_text()


def test_what_was_saved_scores_the_same(tmp_path):
    scorer = train(problems(12), recipe={"why": "a test"})
    scorer.save(tmp_path / "scorer.json")
    found = problems(3)[2][0]
    again = load_scorer(tmp_path / "scorer.json")
    assert again == scorer
    assert (again.probability(found, survivors(found)) == scorer.probability(found, survivors(found))).all()


def test_the_scorer_that_comes_along_knows_every_setting():
    assert set(load_scorer().main) == set(SETTINGS)


def damaged(tmp_path, change):
    path = tmp_path / "scorer.json"
    train(problems(12)).save(path)
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.update(format="codesieve-scorer/0"),
        lambda r: r.update(names=["clairvoyance"] * len(r["names"])),
        lambda r: r["main"].pop(SETTINGS[0]),
        lambda r: r["main"][SETTINGS[1]]["coefficients"].pop(),
        lambda r: r["folds"].clear(),
        lambda r: r.pop("main"),
    ],
    ids=["other format", "unknown feature", "setting missing", "coefficient missing", "folds missing", "no regression"],
)
def test_a_scorer_for_something_else_is_refused(tmp_path, change):
    with pytest.raises(BadScorer, match="train"):
        load_scorer(damaged(tmp_path, change))


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path):
    with pytest.raises(BadScorer) as refusal:
        load_scorer(tmp_path / "none.json")
    assert "\n" not in str(refusal.value)


def test_pools_where_everybody_is_right_teach_nothing():
    everybody = [(found, np.ones(len(found.candidates), dtype=bool)) for found, _ in problems(5)]
    with pytest.raises(ValueError, match="right and with wrong"):
        train(everybody)


def test_features_are_finite_whatever_is_missing():
    for rows in ([[None, None]], [["RTE", "RTE"]] * 2, [[]], [[0, None], ["RTE", 1]]):
        found = evidence(rows)
        assert np.isfinite(features(found, survivors(found))).all()


def test_every_feature_belongs_to_one_ablation_group():
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(NAMES)
