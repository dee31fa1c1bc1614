"""Who backs the same answer: programs seen to differ never do, unless several answers are right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.evidence import FAULT_IDS, FIRST_OUTPUT, MISSING, CandidateFacts, Evidence, InputFacts
from clustering.merging import OPEN, merge, several_answers
from sandbox import Verdict

TLE, RTE = FAULT_IDS[Verdict.TLE], FAULT_IDS[Verdict.RTE]


def evidence(rows, weights=None, outputs=(), statement=""):
    rows = np.array(rows, dtype=np.int32).reshape(len(rows), -1)
    n = len(rows)
    return Evidence(
        "p",
        [CandidateFacts(f"c{i}", i, (weights or [1] * n)[i]) for i in range(n)],
        np.ones(n, dtype=bool),
        np.ones(n),
        rows,
        [InputFacts(str(i), "test") for i in range(rows.shape[1])],
        outputs=outputs,
        statement=statement,
    )


def texts(table):
    """Evidence from the outputs' texts."""
    columns = list(zip(*table, strict=True))
    ids = [{text: FIRST_OUTPUT + i for i, text in enumerate(dict.fromkeys(column))} for column in columns]
    rows = [[ids[c][text] for c, text in enumerate(row)] for row in table]
    return rows, [{number: text for text, number in column.items()} for column in ids]


def groups(rows, **facts):
    given_ = evidence(rows, **facts)
    return merge(given_, np.arange(len(rows))).groups.tolist()


def test_a_program_that_is_too_slow_on_the_large_input_backs_the_answer_it_gave_on_the_others():
    assert groups([[8, 8, 8], [8, 8, TLE]]) == [0, 0]


def test_a_missing_cell_does_not_make_another_behaviour():
    assert groups([[8, 8, 8], [MISSING, 8, 8]]) == [0, 0]


def test_a_crash_is_a_behaviour_of_its_own():
    assert groups([[8, 8, 8], [8, 8, RTE]]) == [0, 1]


def test_agreement_on_half_of_the_inputs_is_too_little():
    assert groups([[8, 8, 8, 8], [8, 8, TLE, TLE]]) == [0, 1]


def test_programs_that_never_answer_do_not_meet():
    assert groups([[TLE, TLE], [MISSING, TLE], [8, 8]]) == [0, 1, 2]


def test_an_open_row_never_bridges_two_that_differ():
    rows = [[8, 8, 8, 8], [8, 8, 8, 9], [8, 8, 8, TLE]]
    found = groups(rows, weights=[9, 2, 1])
    assert found[0] != found[1]


ROWS = st.lists(st.lists(st.sampled_from([MISSING, RTE, TLE, 8, 9]), min_size=5, max_size=5), min_size=1, max_size=25)


@settings(deadline=None)
@given(ROWS)
def test_no_two_programs_seen_to_differ_share_a_group_and_equal_rows_always_do(rows):
    table = np.array(rows)
    found = groups(rows)
    for i in range(len(rows)):
        for j in range(i):
            both = ~np.isin(table[i], OPEN) & ~np.isin(table[j], OPEN)
            if (table[i] != table[j])[both].any():
                assert found[i] != found[j]
            if (table[i] == table[j]).all():
                assert found[i] == found[j]


@settings(deadline=None)
@given(ROWS)
def test_a_group_is_a_union_of_exact_classes_numbered_by_first_appearance(rows):
    result = merge(evidence(rows), np.arange(len(rows)))
    assert len(set(zip(result.exact, result.groups, strict=True))) == len(set(result.exact))
    for numbers in (result.exact, result.groups):
        assert list(dict.fromkeys(numbers.tolist())) == list(range(int(numbers.max()) + 1))


def test_float_noise_does_not_split_the_vote():
    rows, outputs = texts([["0.3", "YES"], ["0.30000000000000004", "Yes"], ["0.4", "YES"]])
    assert groups(rows, outputs=outputs) == [0, 0, 1]


@pytest.mark.parametrize(
    "statement",
    [
        "If there are multiple answers, print any of them.",
        "If there are several possible solutions, output any.",
        "You may return the answer in any order.",
        "Print any valid colouring.",
        "If more than one solution exists, any is accepted.",
    ],
)
def test_statements_say_when_several_answers_are_right(statement):
    assert several_answers(evidence([[8]], statement=statement), np.arange(1)).said


@pytest.mark.parametrize(
    "statement",
    [
        "Return an empty string if you did not find any vowel.",
        "The points come in any order.",
        "How many solutions are there?",
    ],
)
def test_ordinary_statements_do_not(statement):
    assert not several_answers(evidence([[8]], statement=statement), np.arange(1)).likely


def test_where_any_order_is_right_programs_that_differ_by_order_vote_together():
    table = [["1 2 3", "4 5", "-1"], ["3 2 1", "4 5", "-1"], ["3 1 2", "5 4", "-1"], ["9 9 9", "1 1", "0"]]
    rows, outputs = texts(table)
    assert groups(rows, outputs=outputs, statement="Print them in any order.") == [0, 0, 0, 1]
    assert groups(rows, outputs=outputs) == [0, 1, 2, 3]


def test_several_answers_show_when_hardly_anyone_agrees_but_for_the_order():
    rows, outputs = texts([["1 2 3", "4 5 6"], ["3 2 1", "6 5 4"], ["2 1 3", "5 4 6"]])
    assert several_answers(evidence(rows, outputs=outputs), np.arange(3)).likely
    assert not several_answers(evidence(rows, [20, 1, 1], outputs), np.arange(3)).likely


def test_without_inputs_all_are_one_group_and_without_candidates_there_is_none():
    assert groups(np.zeros((3, 0), dtype=np.int32)) == [0, 0, 0]
    assert merge(evidence([[8]]), np.array([], dtype=np.intp)).groups.tolist() == []
