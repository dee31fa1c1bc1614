"""When more samples are not likely to change the answer."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering.stopping import LEAST_LEADER, MOST_UNSEEN, Race, more_frequent

CRASH = ("RTE",)


def race(sizes, submissions=10, crashes=0):
    found = Race(submissions)
    for number, size in enumerate(sizes):
        for _ in range(size):
            found.add((str(number),))
    for _ in range(crashes):
        found.add(CRASH)
    return found


def test_nothing_is_settled_before_anyone_survived():
    assert not Race(1).settled
    assert Race(1).overtaken == 1.0


def test_a_few_that_agree_are_too_few():
    assert not race([LEAST_LEADER - 1]).settled
    assert race([LEAST_LEADER]).settled


def test_a_close_rival_keeps_the_race_open_and_a_distant_one_does_not():
    assert not race([20, 14]).settled
    assert race([40, 14]).settled


def test_a_rival_with_more_than_half_as_many_does_not_matter_once_there_are_many():
    assert race([400, 300]).settled


def test_many_behaviours_seen_once_promise_more_of_them():
    sizes = [40, 1, 1, 1, 1]
    assert race(sizes).unseen > MOST_UNSEEN
    assert not race(sizes, submissions=10).settled


def test_new_behaviours_do_not_matter_to_a_single_submission():
    assert race([40, 1, 1, 1, 1], submissions=1).settled


def test_a_crowd_that_crashes_alike_is_a_rival_but_never_an_answer():
    assert not race([], crashes=100).settled
    assert not race([20], crashes=20).settled


def test_without_inputs_nothing_can_be_told_apart_and_nothing_is_settled():
    found = Race(1)
    for _ in range(100):
        found.add(())
    assert not found.settled


@given(st.lists(st.integers(1, 30), max_size=12), st.integers(0, 2**32))
def test_the_estimates_do_not_depend_on_the_order_of_arrival(sizes, seed):
    arrivals = [(str(n),) for n, size in enumerate(sizes) for _ in range(size)]
    random.Random(seed).shuffle(arrivals)
    shuffled = Race(10)
    for behaviour in arrivals:
        shuffled.add(behaviour)
    straight = race(sizes)
    assert shuffled.unseen == straight.unseen
    assert shuffled.overtaken == pytest.approx(straight.overtaken)
    assert shuffled.settled == straight.settled


@given(st.integers(0, 200), st.integers(1, 200))
def test_two_behaviours_share_the_chance_between_them(rival, leader):
    assert more_frequent(rival, leader) + more_frequent(leader, rival) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(("rival", "leader"), [(30, 33), (25, 38), (31, 32)])
def test_the_approximation_continues_the_exact_tail(rival, leader):
    assert more_frequent(rival, leader) == pytest.approx(more_frequent(rival, leader - 1), abs=0.12)
    assert more_frequent(rival, leader) < more_frequent(rival, leader - 1)


def test_the_chance_is_that_of_the_true_shares_by_simulation():
    rng = random.Random(1)
    rival_is_ahead = total = 0
    while total < 2000:
        share = rng.random()
        if sum(rng.random() < share for _ in range(9)) == 3:
            total += 1
            rival_is_ahead += share > 0.5
    assert rival_is_ahead / total == pytest.approx(more_frequent(3, 6), abs=0.03)


def test_an_estimate_looks_at_the_sizes_there_are_not_at_all_there_ever_were(monkeypatch):
    looks = []
    monkeypatch.setattr("clustering.stopping.more_frequent", lambda rival, leader: looks.append(rival) or 0.5)
    assert race([300, 200]).overtaken == 0.5
    assert sorted(looks) == [200, 300]
