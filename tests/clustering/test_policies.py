"""Policies: from evidence to an order of submissions."""

import random as stdlib_random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.evidence import FAULT_IDS, FIRST_OUTPUT, MISSING, CandidateFacts, Evidence, InputFacts, TestFacts
from clustering.policies import POLICIES, UnknownPolicy, order, rank, survivors
from clustering.policies.scorer import SETTINGS, Regression, Scorer
from clustering.policies.signals import agreement, codet, worth_of_tests
from sandbox import Verdict

# Agreement is all it knows: enough to order candidates, and it needs no training file.
SCORER = Scorer(("agreement",), dict.fromkeys(SETTINGS, Regression((6.0,), (0.0,), (1.0,), -3.0)))
RTE = FAULT_IDS[Verdict.RTE]


def evidence(rows, weights=None, passes=None, tests=None, shares=None, **facts):
    """One candidate a row of output numbers; None is missing, "RTE" a fault."""
    weights = weights or [1] * len(rows)
    ids = {None: MISSING, "RTE": RTE}
    outcomes = [[ids[v] if v in ids else FIRST_OUTPUT + v for v in row] for row in rows]
    n = len(rows)
    width = len(rows[0]) if rows else 0
    return Evidence(
        problem="p",
        candidates=[
            CandidateFacts(f"c{i}", i, weights[i], **{name: values[i] for name, values in facts.items()})
            for i in range(n)
        ],
        passes=np.array([True] * n if passes is None else passes, dtype=bool),
        example_share=np.array([1.0] * n if shares is None else shares, dtype=float),
        outcomes=np.array(outcomes, dtype=np.int32).reshape(n, width),
        inputs=[InputFacts(str(i), "structure:small") for i in range(width)],
        tests=None if tests is None else np.array(tests, dtype=np.int8),
        test_facts=[] if tests is None else [TestFacts(str(i), "1") for i in range(len(tests[0]))],
    )


def keys(evidence, policy, k=10, seed=0):
    return [choice.key for choice in rank(evidence, policy, k, seed, SCORER)]


ROWS = st.lists(st.lists(st.sampled_from([0, 1, 2, "RTE", None]), min_size=3, max_size=3), min_size=1, max_size=12)
POLICY = st.sampled_from(POLICIES)


@settings(deadline=None)
@given(ROWS, st.integers(0, 20), POLICY, st.integers(0, 5))
def test_never_more_than_k_never_one_twice_and_all_when_there_are_fewer(rows, k, policy, seed):
    chosen = keys(evidence(rows), policy, k, seed)
    assert len(chosen) == len(set(chosen)) == min(k, len(rows))


@settings(deadline=None)
@given(ROWS, POLICY, st.data())
def test_who_fails_an_example_is_not_chosen_while_somebody_passes(rows, policy, data):
    passes = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)).filter(any))
    chosen = keys(evidence(rows, passes=passes), policy)
    assert set(chosen) <= {f"c{i}" for i, good in enumerate(passes) if good}


def test_when_nobody_passes_those_who_pass_most_examples_are_in_question():
    found = evidence([[0], [1], [2]], passes=[False] * 3, shares=[0.5, 0.0, 0.5])
    assert survivors(found).tolist() == [0, 2]


@settings(deadline=None)
@given(ROWS, st.sampled_from([p for p in POLICIES if p != "random"]))
def test_no_policy_but_random_depends_on_the_seed(rows, policy):
    found = evidence(rows)
    assert keys(found, policy, seed=1) == keys(found, policy, seed=2)


@pytest.mark.parametrize("policy", [p for p in POLICIES if p not in ("random", "logprob")])
def test_different_behaviours_come_before_a_second_program_of_any(policy):
    found = evidence([[0, 0]] * 4 + [[1, 1]] * 2 + [[2, 2]])
    assert "c6" in keys(found, policy, 3)


def test_largest_counts_samples_and_takes_the_earliest_program():
    found = evidence([[0], [1], [1]], weights=[3, 1, 4])
    assert keys(found, "largest") == ["c1", "c0", "c2"]


def test_a_crowd_of_crashing_programs_comes_last():
    found = evidence([["RTE"]] * 20 + [[0]])
    assert keys(found, "largest", 1) == ["c20"]
    assert keys(found, "mbr", 1) == ["c20"]
    assert keys(found, "default", 1) == ["c20"]


def test_errors_agree_with_nothing():
    found = evidence([["RTE", 0], ["RTE", 0], [0, 0]])
    assert agreement(found, survivors(found)).tolist() == [0.5, 0.5, (1 / 3 + 1) / 2]


def test_mbr_prefers_the_centre_to_the_largest_cluster():
    # Three programs agree with each other everywhere; five others agree with c3 on most inputs, each wrong on one.
    rows = [[9, 9, 9, 9, 9]] * 3 + [[0, 0, 0, 0, 0]]
    rows += [[1 if i == j else 0 for j in range(5)] for i in range(5)]
    assert keys(evidence(rows), "largest", 1) == ["c0"]
    assert keys(evidence(rows), "mbr", 1) == ["c3"]


def test_codet_weighs_tests_passed_against_the_square_root_of_the_consensus_set():
    found = evidence([[0]] * 5, tests=[[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]])
    assert codet(found, survivors(found)).tolist() == [2.0, 2.0, 2.0, 2.0, 2.0]


def test_a_test_that_ranks_against_all_others_is_worth_nothing():
    good, bad = [1, 1, 1, 0], [0, 0, 0, 1]
    found = evidence([[0]] * 6, tests=[good, good, good, bad, bad, bad])
    worth = worth_of_tests(found, survivors(found))
    assert worth[3] == 0.0
    assert (worth[:3] > 0).all()


def test_logprob_puts_what_is_not_known_last():
    assert keys(evidence([[0]] * 3, mean_logprob=[-0.5, None, -0.1]), "logprob") == ["c2", "c0", "c1"]


def test_plans_prefers_the_behaviour_that_more_ideas_lead_to():
    found = evidence([[0], [0], [1], [1]], plans=[("a",), ("a",), ("a",), ("b",)])
    assert keys(found, "plans", 1) == ["c2"]


def test_random_follows_the_seed_and_the_samples():
    found = evidence([[0], [1]], weights=[9, 1])
    wins = sum(keys(found, "random", 1, seed) == ["c0"] for seed in range(1000))
    assert 850 < wins < 950


def test_random_leaves_the_global_generator_alone():
    stdlib_random.seed(4)
    expected = stdlib_random.random()
    stdlib_random.seed(4)
    keys(evidence([[0], [1]]), "random")
    assert stdlib_random.random() == expected


def test_no_candidates_no_choice():
    assert rank(evidence([]), "default", 10, 0, SCORER) == []


def test_an_unknown_policy_is_named_with_those_that_exist():
    with pytest.raises(UnknownPolicy, match="'best'; there are: default, random, largest"):
        order(evidence([[0]]), np.array([0]), "best", 0, SCORER)


def test_a_negative_k_is_refused():
    with pytest.raises(ValueError, match="-1"):
        rank(evidence([[0]]), k=-1, scorer=SCORER)


def test_evidence_that_does_not_fit_together_is_refused():
    with pytest.raises(ValueError, match="passes do not fit 2 candidates"):
        evidence([[0], [1]], passes=[True])
