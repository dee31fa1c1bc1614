"""Comparing ways to choose: losses that add up, intervals that are paired, calibration that means something."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.evidence import FIRST_OUTPUT, CandidateFacts, Evidence, InputFacts
from clustering.policies import POLICIES
from clustering.policies.scorer import SETTINGS, Regression, Scorer
from eval.calibration import Bin, expected_calibration_error, plot, reliability
from eval.pools import Labelled, load_labelled, save_labelled
from eval.selection import ORACLE, compare, losses, pass_at_1

SCORER = Scorer(("agreement",), dict.fromkeys(SETTINGS, Regression((6.0,), (0.0,), (1.0,), -3.0)))
EVERYTHING = (*POLICIES, ORACLE)


def problem(name, answers, right, passes=None):
    """One candidate an answer, on a single input."""
    n = len(answers)
    plain = Evidence(
        problem=name,
        candidates=[CandidateFacts(f"{name}/{i}", i, 1) for i in range(n)],
        passes=np.ones(n, dtype=bool),
        example_share=np.ones(n),
        outcomes=np.array([[FIRST_OUTPUT + answer] for answer in answers], dtype=np.int32).reshape(n, 1),
        inputs=[InputFacts("1", "structure:small")],
    )
    passed = np.array([True] * n if passes is None else passes, dtype=bool)
    filtered = replace(plain, passes=passed, example_share=passed.astype(float))
    return Labelled(plain, filtered, np.array(right, dtype=bool), ((0, 0),) * n, samples=n)


CANDIDATE = st.tuples(st.integers(0, 2), st.booleans(), st.booleans())


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(CANDIDATE, min_size=1, max_size=5), min_size=1, max_size=5), st.booleans())
def test_coverage_less_filter_less_choice_is_what_is_solved(pools, use_examples):
    problems = [
        problem(f"p{i}", [a for a, _, _ in pool], [r for _, r, _ in pool], [p for _, _, p in pool])
        for i, pool in enumerate(pools)
    ]
    result = compare(problems, EVERYTHING, (1, 3), use_examples=use_examples, scorer=SCORER)
    for row in result["policies"]:
        for k in ("1", "3"):
            left = result["coverage"] - result["filter_loss"] - row["selection_loss"][k]
            assert left == pytest.approx(row["solved"][k]["value"])
            assert row["selection_loss"][k] >= 0


def test_no_policy_does_better_than_the_oracle_and_more_submissions_never_hurt():
    problems = [problem(f"p{i}", [0, 0, 1, 2], [False, False, i % 2 == 0, i % 3 == 0]) for i in range(6)]
    rows = compare(problems, EVERYTHING, (1, 2, 4), use_examples=True, scorer=SCORER)["policies"]
    oracle = rows[-1]["solved"]["1"]["value"]
    for row in rows:
        values = [row["solved"][k]["value"] for k in ("1", "2", "4")]
        assert values == sorted(values)
        assert values[-1] <= oracle


def test_the_filter_loses_a_problem_whose_right_programs_fail_an_example():
    found = problem("p", [0, 1], [True, False], passes=[False, True])
    assert losses([found], use_examples=True).filtered_out == 1
    assert losses([found], use_examples=False).filtered_out == 0


def test_random_is_the_mean_over_draws():
    rows = compare([problem("p", [0, 1], [True, False])], ["random"], (1,), use_examples=True, scorer=SCORER)[
        "policies"
    ]
    assert 0.3 < rows[0]["solved"]["1"]["value"] < 0.7


def test_a_policy_that_never_differs_from_ours_differs_by_nothing_in_every_resample():
    problems = [problem(f"p{i}", [0, 0, 1], [i % 2 == 0, False, True]) for i in range(7)]
    rows = compare(problems, ["default", "mbr"], (1,), use_examples=True, scorer=SCORER)["policies"]
    assert rows[1]["default_minus_this"]["1"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert rows[1]["solved"]["1"]["low"] < rows[1]["solved"]["1"]["high"]


@pytest.mark.parametrize("policy", POLICIES)
def test_hidden_verdicts_do_not_move_a_choice(policy):
    one = problem("p", [0, 0, 1, 2], [True, True, False, False])
    other = replace(one, right=~one.right)
    rows = [
        compare([found], [policy], (1,), use_examples=True, scorer=SCORER)["policies"][0]["solved"]["1"]["value"]
        for found in (one, other)
    ]
    assert rows[0] + rows[1] == pytest.approx(1.0)


def test_what_was_kept_is_what_was_found(tmp_path):
    found = problem("p", [0, 1, 0], [True, False, True], passes=[True, False, True])
    save_labelled(tmp_path / "kept.jsonl.gz", [found, found])
    first, second = load_labelled(tmp_path / "kept.jsonl.gz")
    assert first.right.tolist() == second.right.tolist() == [True, False, True]
    assert (first.with_examples.outcomes == found.with_examples.outcomes).all()
    assert first.with_examples.passes.tolist() == [True, False, True]
    assert first.plain.candidates == found.plain.candidates


def test_calibration_error_is_the_mean_distance_weighted_by_mass():
    assert expected_calibration_error([Bin(0.9, 0.5, 0.5), Bin(0.1, 0.1, 0.5)]) == pytest.approx(0.2)


def test_a_scorer_that_is_always_half_sure_of_a_fair_coin_is_calibrated():
    coin = replace(SCORER, main=dict.fromkeys(SETTINGS, Regression((0.0,), (0.0,), (1.0,), 0.0)))
    bins = reliability([problem(f"p{i}", [0, 1], [True, False]) for i in range(5)], coin, use_examples=True)
    assert expected_calibration_error(bins) == pytest.approx(0.0)


def test_a_reliability_plot_is_saved(tmp_path):
    plot([Bin(0.5, 0.4, 1.0)], tmp_path / "plot.svg", "held out")
    assert "</svg>" in (tmp_path / "plot.svg").read_text()


def test_pass_at_1_counts_samples_that_hold_no_program_as_wrong():
    whole = problem("a", [0, 1], [True, False])
    assert pass_at_1([replace(whole, samples=4), problem("b", [0], [True])])["value"] == pytest.approx((1 / 4 + 1) / 2)
