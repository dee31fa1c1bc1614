"""n@k by subsampling, against trying every subset, and pass@k against counting."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.metrics.draws import NEVER, chooser, chooses_the_same, first_right, n_at_k, restrict
from eval.metrics.passk import exact_pass_at_k, pass_at_k
from tests.eval.runs import SCORER, Made, make_run

MADE = st.builds(Made, st.tuples(st.integers(0, 2), st.integers(0, 1)), st.booleans(), st.booleans()).map(
    lambda one: Made(one.answers, one.right and one.passes, one.passes)
)
POOLS = st.lists(MADE, min_size=1, max_size=4).flatmap(
    lambda made: st.tuples(st.just(made), st.lists(st.integers(-1, len(made) - 1), min_size=1, max_size=7))
)
POLICIES = st.sampled_from(["default", "largest", "mbr", "codet", "plans", "random"])


@settings(deadline=None)
@given(st.integers(1, 9), st.data())
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(n, data):
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    hits = [any(sample < c for sample in subset) for subset in combinations(range(n), k)]
    assert pass_at_k(n, c, k) == pytest.approx(sum(hits) / len(hits), abs=1e-12)
    assert exact_pass_at_k(n, c, k) == Fraction(sum(hits), len(hits))


@settings(deadline=None)
@given(st.integers(1, 100_000), st.data())
def test_pass_at_k_does_not_round_away_where_numbers_are_large(n, data):
    c, k = data.draw(st.integers(0, min(n, 40))), data.draw(st.integers(1, min(n, 200)))
    assert pass_at_k(n, c, k) == pytest.approx(float(exact_pass_at_k(n, c, k)), abs=1e-9)


def test_pass_at_k_beyond_the_samples_says_what_they_show():
    assert pass_at_k(4, 0, 10) == 0.0
    assert pass_at_k(4, 1, 10) == 1.0


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_pass_at_k_of_nonsense_is_refused(n, c, k):
    with pytest.raises(ValueError, match="means nothing"):
        pass_at_k(n, c, k)


@settings(deadline=None, max_examples=150)
@given(POOLS, POLICIES, st.integers(1, 7), st.sampled_from([(1,), (1, 2), (2, 3)]))
def test_n_at_k_is_the_share_of_subsets_of_which_a_run_would_have_submitted_a_right_program(pool, policy, n, ks):
    """Each subset becomes a run of its own, with its own submissions."""
    made, samples = pool
    run = make_run("p", made, samples, policy=policy)
    found = n_at_k(run, chooser(run, SCORER), [n], ks, draws=100)
    assert found.exact == {n}
    hits = {k: [] for k in ks}
    n = min(n, len(samples))
    for number, subset in enumerate(combinations(range(len(samples)), n)):
        smaller = make_run("p", made, [samples[i] for i in subset], policy=policy)
        if policy == "random" and n < len(samples):
            smaller_ranks = chooser(smaller, SCORER).rows(smaller.evidence, max(ks), number)
        else:
            smaller_ranks = [one.row for one in smaller.submissions if one.cluster is not None]
        for k in ks:
            hits[k].append(any(smaller.right[row] for row in smaller_ranks[:k]))
    for k in ks:
        assert next(iter(found.solved.values()))[k] == pytest.approx(np.mean(hits[k]))


@settings(deadline=None, max_examples=100)
@given(POOLS, POLICIES)
def test_choosing_again_from_all_samples_is_what_the_run_submitted(pool, policy):
    run = make_run("p", *pool, policy=policy)
    assert chooses_the_same(run, chooser(run, SCORER)) in (True, None)


@settings(deadline=None, max_examples=100)
@given(POOLS, st.data())
def test_a_restriction_is_the_evidence_of_a_run_that_drew_these_samples(pool, data):
    made, samples = pool
    run = make_run("p", made, samples)
    drawn = sorted(data.draw(st.sets(st.integers(0, len(samples) - 1), min_size=1)))
    small = make_run("p", made, [samples[i] for i in drawn]).evidence
    evidence, kept = restrict(run.evidence, run.sample_program[drawn])
    assert list(evidence.candidates) == list(small.candidates)
    assert [run.evidence.candidates[row].key for row in kept] == [c.key for c in small.candidates]
    assert evidence.passes.tolist() == small.passes.tolist()
    assert evidence.outcomes.tolist() == small.outcomes.tolist()


@settings(deadline=None, max_examples=60)
@given(POOLS, POLICIES)
def test_no_choice_does_better_than_coverage_and_more_submissions_never_hurt(pool, policy):
    run = make_run("p", *pool, policy=policy)
    ns = range(1, len(run.sample_program) + 1)
    found = n_at_k(run, chooser(run, SCORER), list(ns), (1, 2, 9))
    right = int(run.right[run.sample_program[run.sample_program >= 0]].sum())
    for n in ns:
        one, two, nine = (found.solved[n][k] for k in (1, 2, 9))
        assert one <= two <= nine <= pass_at_k(len(run.sample_program), right, n) + 1e-12
        assert nine == pytest.approx(pass_at_k(len(run.sample_program), right, n))  # at most four programs


def test_drawing_comes_near_to_trying_all_subsets():
    made = [Made((0,), right=True), Made((1,)), Made((2,), passes=False)]
    run = make_run("p", made, [0, 1, 1, 2, 0, 1, 2, 2, -1, 0, 1, 2], policy="largest")
    exact = n_at_k(run, chooser(run, SCORER), [6], (1,), draws=1000)
    drawn = n_at_k(run, chooser(run, SCORER), [6], (1,), draws=900)
    assert exact.exact == {6}
    assert not drawn.exact
    assert drawn.solved[6][1] == pytest.approx(exact.solved[6][1], abs=0.06)
    assert 0.2 < exact.solved[6][1] < 0.8


def test_draws_depend_on_the_seed_and_the_name_alone():
    made = [Made((0,), right=True), Made((1,))]
    samples = [0, 1] * 20
    run, same, other = (make_run(name, made, samples) for name in ("p", "p", "q"))
    results = [n_at_k(one, chooser(one, SCORER), [7], (1,), seed=3).solved for one in (run, same, other)]
    assert results[0] == results[1]
    assert results[0] != results[2]
    assert results[0] != n_at_k(run, chooser(run, SCORER), [7], (1,), seed=4).solved


def test_a_run_that_ended_early_counts_with_all_it_has():
    run = make_run("p", [Made((0,), right=True), Made((1,))], [0, 0, 1])
    found = n_at_k(run, chooser(run, SCORER), [3, 64], (1,))
    assert found.solved[64] == found.solved[3] == {1: 1.0}


def test_more_submissions_than_the_run_made_are_chosen_again():
    made = [Made((number,), right=number == 3) for number in range(5)]
    run = make_run("p", made, [0, 0, 0, 1, 1, 2, 2, 3, 4], k=2)
    assert n_at_k(run, chooser(run, SCORER), [9], (1, 2, 4)).solved[9] == {1: 0.0, 2: 0.0, 4: 1.0}


def test_nothing_that_fails_an_example_is_ever_a_solution():
    run = make_run("p", [Made(passes=False), Made(passes=False)], [0, 1, 0])
    assert first_right(run, chooser(run, SCORER), np.arange(3), (1,)) == NEVER
    assert chooses_the_same(run, chooser(run, SCORER)) is None


def test_an_opinion_of_one_program_counts_for_its_cluster_when_that_program_is_not_drawn():
    made = [Made((0,)), Made((1,), right=True), Made((1,), right=True), Made((0,))]
    run = make_run("p", made, [0, 3, 1, 2], policy="judge", opinions={0: 0.1, 1: 0.9})
    choose = chooser(run, SCORER)
    assert chooses_the_same(run, choose)
    assert first_right(run, choose, np.array([0, 1, 3]), (1,)) == 1


def test_a_sample_without_a_program_takes_a_place_among_the_drawn():
    run = make_run("p", [Made(right=True)], [-1, -1, -1, 0])
    assert n_at_k(run, chooser(run, SCORER), [1], (1,)).solved[1][1] == 0.25
