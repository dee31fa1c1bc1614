"""What one run says about a program's behaviour."""

import pytest

from clustering import behaviour_token
from sandbox.types import Outcome, Verdict


def test_equal_outputs_give_equal_tokens_and_different_outputs_different_ones():
    ok = Outcome(Verdict.OK)
    assert behaviour_token(ok, b"1 2") == behaviour_token(ok, b"1 2")
    assert behaviour_token(ok, b"1 2") != behaviour_token(ok, b"1 3")


def test_cpu_time_is_no_part_of_the_behaviour():
    slow = Outcome(Verdict.OK, cpu_seconds=1.9, peak_memory_bytes=10**8)
    assert behaviour_token(slow, b"x") == behaviour_token(Outcome(Verdict.OK), b"x")


def test_kinds_of_failure_are_told_apart():
    faults = [Verdict.RTE, Verdict.TLE, Verdict.MLE, Verdict.OLE, Verdict.CE]
    assert len({behaviour_token(Outcome(fault), b"") for fault in faults}) == len(faults)


def test_a_program_that_prints_rte_is_not_one_that_crashes():
    assert behaviour_token(Outcome(Verdict.OK), b"RTE") != behaviour_token(Outcome(Verdict.RTE), b"")


def test_what_a_crashing_program_printed_before_does_not_count():
    crash = Outcome(Verdict.RTE, output=b"1")
    assert behaviour_token(crash, b"1") == behaviour_token(Outcome(Verdict.RTE), b"2")


def test_an_empty_output_is_an_output():
    assert behaviour_token(Outcome(Verdict.OK), b"") is not None


def test_our_own_fault_says_nothing_about_the_program():
    assert behaviour_token(Outcome(Verdict.IE, output=b"1"), b"1") is None


@pytest.mark.parametrize("graded", [Verdict.AC, Verdict.WA])
def test_a_grade_never_becomes_behaviour(graded):
    with pytest.raises(ValueError, match="ungraded"):
        behaviour_token(Outcome(graded), b"1")
