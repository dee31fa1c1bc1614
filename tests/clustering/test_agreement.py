"""When sampling may stop early."""

import pytest

from clustering import enough_agreement

A, B, CRASH = ("a",), ("b",), ("RTE",)


def test_nothing_agrees_when_there_is_nothing():
    assert not enough_agreement({}, 0)


def test_programs_that_crash_alike_do_not_agree():
    assert not enough_agreement({CRASH: 9}, 1)


def test_without_inputs_there_is_no_agreement_however_many_survive():
    assert not enough_agreement({(): 100}, 5)


@pytest.mark.parametrize(
    ("weights", "needed", "enough"),
    [
        ({A: 6, B: 3}, 6, True),
        ({A: 6, B: 3}, 7, False),
        ({A: 6, B: 4}, 6, False),
        ({A: 6}, 6, True),
        ({A: 5, B: 5}, 2, False),
    ],
)
def test_enough_is_the_needed_number_and_twice_the_runner_up(weights, needed, enough):
    assert enough_agreement(weights, needed) is enough


def test_a_crowd_of_crashes_as_large_forbids_stopping():
    assert not enough_agreement({CRASH: 8, A: 8}, 5)
