"""Which layout is inferred from which examples."""

import pytest

from clustering.structure import Array, Counted, Line, Ref, Rows, infer_layout
from clustering.tokens import split_lines


def layout(*examples, hint=None):
    parsed = infer_layout([split_lines(example) for example in examples], test_cases_hint=hint)
    assert parsed is not None
    return parsed.layout


N, M = Ref(1), Ref(2)


@pytest.mark.parametrize(
    ("examples", "blocks"),
    [
        (["5\n3 6 2 1 4"], (Line(1), Array(N))),
        (["3 4\n1 0 2", "2 9\n4 4"], (Line(2), Array(N))),
        (["4 2\n1 2\n2 3\n3 4", "3 9\n3 1\n1 2"], (Line(2), Rows(Ref(1, -1), Line(2)))),
        (["2 3\n1 2 3\n4 5 6", "3 2\n1 2\n3 4\n5 6"], (Line(2), Rows(N, Array(M)))),
        (["2 2\n101\n000\n000", "3 1\n10\n01\n11\n00"], (Line(2), Rows(Ref(1, 1), Line(1)))),
        (["3 5\n5 1 2 3 4 5\n2 1 2\n2 3 4"], (Line(2), Rows(N, Counted()))),
        (["3 2\n1 5 3\n4 4", "1 4\n7\n1 2 3 4"], (Line(2), Array(N), Array(M))),
        (["0.5 3"], (Line(2),)),
    ],
)
def test_one_test_case(examples, blocks):
    found = layout(*examples, hint=False)
    assert (found.blocks, found.repeated) == (blocks, False)


@pytest.mark.parametrize(
    ("example", "blocks"),
    [
        ("3\n2\n2 1\n3\n1 2 1\n1\n9", (Line(1), Array(N))),
        ("2\n2 3 1\n*.*\n...\n1 4 2\n*.**", (Line(3), Rows(N, Line(1)))),
        ("2\n\n2 1\n1 2\n\n3 2\n1 2\n2 3", (Line(0), Line(2), Rows(M, Line(2)))),
        ("2\n1\n4 5\n3\n1 1\n2 2\n3 3", (Line(1), Rows(N, Line(2)))),
    ],
)
def test_a_header_counts_the_test_cases(example, blocks):
    found = layout(example, hint=True)
    assert (found.blocks, found.repeated) == (blocks, True)


def test_the_statement_decides_whether_a_lone_number_counts_test_cases():
    example = "1\n3 4"
    assert layout(example, hint=True).repeated
    assert not layout(example, hint=False).repeated


def test_a_lone_count_before_the_queries_governs_them_though_another_number_fits():
    found = layout("2 3\n*.*\n..*\n3\n1 2\n1 1\n2 3", hint=False)
    assert found.blocks[2:] == (Line(1), Rows(Ref(3), Line(2)))


def test_no_queries_in_one_example_do_not_hide_them_in_another():
    found = layout("4 2\n5 6 3 4\n1 1\n1 2", "3 0\n7 8 9", hint=False)
    assert found.blocks == (Line(2), Array(N), Rows(M, Line(2)))


def test_examples_that_follow_no_rule_have_no_layout():
    assert infer_layout([[["?", "1"], ["!"], []], [["!"]]]) is None


def test_no_examples_no_layout():
    assert infer_layout([]) is None
    assert infer_layout([[]]) is None


def test_an_array_of_twice_as_many_numbers_as_said_stays_one():
    examples = [split_lines("3\n2\n1 1 2 2\n3\n1 2 3 1 2 3\n4\n2 3 2 4 1 3 4 1\n")]
    parsed = infer_layout(examples, test_cases_hint=True)
    assert parsed is not None
    assert parsed.layout.blocks[1] == Array(Ref(1, factor=2))
