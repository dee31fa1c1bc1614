"""From clusters to submissions."""

import random as stdlib_random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering import POLICIES, Behaved, UnknownPolicy, cluster, select


def pool(*sizes, behaviour="b"):
    """One cluster per size, of that many programs of weight 1."""
    programs = []
    for c, size in enumerate(sizes):
        programs += [Behaved(f"{c}.{i}", len(programs) + i, 1, (f"{behaviour}{c}",)) for i in range(size)]
    return cluster(programs)


SIZES = st.lists(st.integers(1, 8), max_size=8)
POLICY = st.sampled_from(sorted(POLICIES))


@settings(deadline=None)
@given(SIZES, st.integers(0, 30), POLICY, st.integers())
def test_never_more_than_k_never_one_twice_and_all_when_there_are_fewer(sizes, k, policy, seed):
    chosen = [choice.key for choice in select(pool(*sizes), k, policy, seed)]
    assert len(chosen) == len(set(chosen)) == min(k, sum(sizes))


@settings(deadline=None)
@given(SIZES, POLICY, st.integers(), st.randoms())
def test_the_choice_does_not_depend_on_the_order_of_arrival(sizes, policy, seed, random):
    clusters = pool(*sizes)
    members = [member for group in clusters for member in group.members]
    random.shuffle(members)
    assert select(cluster(members), 10, policy, seed) == select(clusters, 10, policy, seed)


@settings(deadline=None)
@given(SIZES, POLICY, st.integers())
def test_confidences_are_probabilities(sizes, policy, seed):
    assert all(0 <= choice.confidence < 1 for choice in select(pool(*sizes), 50, policy, seed))


@settings(deadline=None)
@given(SIZES)
def test_first_choices_of_heavier_clusters_are_no_less_confident(sizes):
    clusters = pool(*sizes)
    first = [choice.confidence for choice in select(clusters, len(clusters))]
    assert first == sorted(first, reverse=True)


def test_largest_takes_one_program_of_each_cluster_before_a_second_of_any():
    assert [choice.cluster for choice in select(pool(3, 2, 1), 6)] == [0, 1, 2, 0, 1, 0]


def test_a_cluster_is_represented_by_its_earliest_program():
    clusters = cluster([Behaved("late", 9, 5, ("x",)), Behaved("early", 2, 1, ("x",))])
    assert select(clusters, 1)[0].key == "early"


def test_a_second_choice_from_a_cluster_is_less_confident_than_the_first():
    first, second = select(pool(4), 2)
    assert second.confidence < first.confidence


def test_a_lone_survivor_is_not_certain():
    assert select(pool(1), 1)[0].confidence == 0.5


def test_a_crowd_of_crashing_programs_gets_little_confidence_beside_one_that_answers():
    crowd = [Behaved(f"c{i}", i, 1, ("RTE",)) for i in range(20)]
    answer, crash = select(cluster([*crowd, Behaved("answers", 99, 1, ("x",))]), 2)
    assert answer.key == "answers"
    assert crash.confidence <= answer.confidence


def test_random_follows_the_seed():
    clusters = pool(*[1] * 30)
    assert select(clusters, 10, "random", 1) == select(clusters, 10, "random", 1)
    assert select(clusters, 10, "random", 1) != select(clusters, 10, "random", 2)


def test_random_draws_in_proportion_to_samples():
    clusters = cluster([Behaved("often", 0, 9, ("x",)), Behaved("once", 1, 1, ("y",))])
    wins = sum(select(clusters, 1, "random", seed)[0].key == "often" for seed in range(1000))
    assert 850 < wins < 950


def test_random_leaves_the_global_generator_alone():
    stdlib_random.seed(4)
    expected = stdlib_random.random()
    stdlib_random.seed(4)
    select(pool(3, 3), 4, "random", 9)
    assert stdlib_random.random() == expected


def test_an_unknown_policy_is_named_with_those_that_exist():
    with pytest.raises(UnknownPolicy, match="'best'; there are: largest, random"):
        select(pool(1), 1, "best")


def test_a_negative_k_is_refused():
    with pytest.raises(ValueError, match="-1"):
        select(pool(1), -1)
