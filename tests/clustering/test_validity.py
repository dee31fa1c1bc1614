"""Programs that pass the examples vote on whether an input is legal; an input is worth what it splits."""

import numpy as np
import pytest

from clustering.evidence import FAULT_IDS, MISSING, CandidateFacts, Evidence, InputFacts
from clustering.validity import consensus_validity, input_worths, worth_by_origin
from sandbox.types import Verdict

RTE, TLE = FAULT_IDS[Verdict.RTE], FAULT_IDS[Verdict.TLE]
A, B, C = 8, 9, 10


def evidence(rows, passes=None, weights=None, validity=None, origins=None):
    n, width = len(rows), len(rows[0]) if rows else 0
    return Evidence(
        problem="p",
        candidates=[CandidateFacts(str(i), i, (weights or [1] * n)[i]) for i in range(n)],
        passes=np.array(passes if passes is not None else [True] * n, dtype=bool),
        example_share=np.ones(n),
        outcomes=np.array(rows, dtype=np.int32).reshape(n, width),
        inputs=[
            InputFacts(f"input {j}", (origins or ["call:random"] * width)[j], (validity or [1.0] * width)[j])
            for j in range(width)
        ],
    )


def test_an_input_on_which_most_programs_crash_is_suspect():
    good, *_, bad = consensus_validity(evidence([[A, A, A, A, RTE]] * 6 + [[A, A, A, A, A]]))
    assert good == 1
    assert bad < 0.5


def test_slowness_is_half_as_suspect_as_a_crash():
    crash, slow = consensus_validity(evidence([[RTE, TLE, A, A, A]] * 4))[:2]
    assert slow == pytest.approx(1 - (1 - crash) / 2)


def test_a_program_that_crashes_everywhere_hardly_votes():
    alone = consensus_validity(evidence([[A, A, A, A, A, A]] * 3 + [[RTE] * 6]))
    assert min(alone) > 0.9


def test_programs_that_fail_the_examples_do_not_vote():
    assert consensus_validity(evidence([[A], [RTE], [RTE]], passes=[True, False, False])).tolist() == [1.0]


def test_when_none_passes_all_vote():
    assert consensus_validity(evidence([[A, RTE], [A, RTE]], passes=[False, False]))[1] < 0.7


def test_what_was_not_observed_says_nothing():
    assert consensus_validity(evidence([[A, MISSING], [A, MISSING]])).tolist() == [1.0, 1.0]


def test_doubt_from_elsewhere_is_kept():
    assert consensus_validity(evidence([[A, A]], validity=[1.0, 0.4])).tolist() == [1.0, 0.4]


def test_a_program_of_many_samples_is_heard_more_but_not_in_proportion():
    few = consensus_validity(evidence([[A, RTE], [A, A]], weights=[1, 1]))[1]
    many = consensus_validity(evidence([[A, RTE], [A, A]], weights=[100, 1]))[1]
    assert 0.1 < many < few


@pytest.mark.parametrize("rows", [[], [[]], [[], []]])
def test_no_programs_or_no_inputs_are_no_trouble(rows):
    assert len(consensus_validity(evidence(rows))) == 0
    assert input_worths(evidence(rows)) == []


def test_an_even_split_is_worth_one_bit_and_agreement_none():
    even, same = input_worths(evidence([[A, A], [B, A]]))
    assert (even.entropy, even.classes, same.entropy, same.classes) == (1.0, 2, 0.0, 1)


def test_samples_count_and_not_programs():
    assert input_worths(evidence([[A], [B], [B]], weights=[2, 1, 1]))[0].entropy == 1.0


def test_an_input_that_repeats_another_gives_nothing_alone():
    first, second, third = input_worths(evidence([[A, A, A], [B, B, A], [B, B, C]]))
    assert first.alone == second.alone == 0
    assert third.alone > 0.5


def test_crashes_split_but_are_believed_less():
    crash, output = input_worths(evidence([[A, A], [A, A], [RTE, B], [RTE, B]]))
    assert crash.entropy == output.entropy == 1.0
    assert crash.worth < output.worth == 1.0


def test_origins_are_compared_by_what_their_inputs_are_worth():
    table = worth_by_origin(input_worths(evidence([[A, A, A], [B, A, B]], origins=["good", "dull", "good"])))
    assert [(row.origin, row.inputs, row.splitting) for row in table] == [("good", 2, 1.0), ("dull", 1, 0.0)]
