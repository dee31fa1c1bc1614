"""The matrix grows in both directions, and its classes are those of equal rows whatever the order of arrival."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.evidence import FAULT_IDS, FIRST_OUTPUT, MISSING
from clustering.matrix import BehaviourMatrix
from sandbox import Verdict

TOKEN = st.sampled_from(["a", "b", "RTE", "TLE", None])
TABLE = st.lists(st.lists(TOKEN, min_size=3, max_size=3), min_size=1, max_size=40)


def same_partition(left, right):
    return len(set(zip(left, right, strict=True))) == len(set(left)) == len(set(right))


@settings(deadline=None)
@given(TABLE, st.randoms(use_true_random=False))
def test_classes_are_those_of_equal_rows_though_cells_arrive_one_by_one_in_any_order(table, rng):
    matrix = BehaviourMatrix()
    for row in range(len(table)):
        matrix.observe(f"p{row}", 0, [])
    cells = [(row, column) for row in range(len(table)) for column in range(3)]
    rng.shuffle(cells)
    for row, column in cells:
        matrix.observe(f"p{row}", column, [table[row][column]])
        if rng.random() < 0.2:
            matrix.classes()
    assert same_partition(matrix.classes().tolist(), [tuple(row) for row in table])


@settings(deadline=None)
@given(TABLE)
def test_values_are_numbered_as_evidence_wants_them(table):
    matrix = BehaviourMatrix()
    for row, tokens in enumerate(table):
        matrix.observe(f"p{row}", 0, tokens)
    for row, tokens in enumerate(table):
        for column, token in enumerate(tokens):
            value = matrix.outcomes[row, column]
            if token is None:
                assert value == MISSING
            elif token in ("RTE", "TLE"):
                assert value == FAULT_IDS[Verdict(token)]
            else:
                assert value >= FIRST_OUTPUT


def test_an_input_added_later_leaves_programs_that_were_not_run_on_it_where_they_were():
    matrix = BehaviourMatrix()
    for key in "abc":
        matrix.observe(key, 0, ["1", "2"])
    before = matrix.classes()
    matrix.observe("c", 2, ["3"])
    after = matrix.classes()
    assert (after[:2] == before[:2]).all()
    assert after[2] != after[0]


def test_only_the_rows_that_changed_are_hashed_again(monkeypatch):
    matrix = BehaviourMatrix()
    for number in range(50):
        matrix.observe(f"p{number}", 0, ["x"])
    matrix.classes()
    hashed = []
    original = BehaviourMatrix._observed
    monkeypatch.setattr(BehaviourMatrix, "_observed", lambda self, row: hashed.append(row) or original(self, row))
    matrix.observe("p7", 1, ["y"])
    matrix.classes()
    assert hashed == [7]


def test_a_program_that_does_two_things_on_one_input_is_our_mistake():
    matrix = BehaviourMatrix()
    matrix.observe("a", 0, ["1"])
    matrix.observe("a", 0, ["1"])
    with pytest.raises(ValueError, match="twice"):
        matrix.observe("a", 0, ["2"])


def test_the_view_of_the_outcomes_cannot_be_written():
    matrix = BehaviourMatrix()
    matrix.observe("a", 0, ["1"])
    with pytest.raises(ValueError, match="read-only"):
        matrix.outcomes[0, 0] = 9
    matrix.observe("b", 0, ["1"])
    assert matrix.outcomes.dtype == np.int32


def test_a_value_is_found_again_by_its_token_and_inputs_nobody_was_run_on_have_columns():
    matrix = BehaviourMatrix(2)
    matrix.observe("a", 0, ["x"])
    assert matrix.outcomes.shape == (1, 2)
    assert matrix.value(0, "x") == matrix.outcomes[0, 0]
    assert matrix.value(1, "x") == MISSING
    assert matrix.value(1, "TLE") == FAULT_IDS[Verdict.TLE]
    assert BehaviourMatrix(3).outcomes.shape == (0, 3)
