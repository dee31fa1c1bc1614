"""Calls: argument text in, argument text of the same types out."""

import ast
from math import inf

import pytest

from clustering import generate_inputs
from clustering.literals import parse_call, render


def calls(*examples, statement="", count=30):
    found = generate_inputs(examples, mode="function", statement=statement, count=count)
    parsed = [parse_call(item.text) for item in found]
    assert all(call is not None for call in parsed)
    return [call.arguments for call in parsed]


def test_keyword_names_and_positions_stay():
    assert all(list(call) == [0, "k"] for call in calls("[2, 3], k=5"))


@pytest.mark.parametrize(
    ("example", "kind"),
    [("3", int), ("2.5", float), ("True", bool), ("'ab'", str), ("[1]", list), ("(1, 2)", tuple), ("{1, 2}", set)],
)
def test_types_stay(example, kind):
    found = calls(example)
    assert found
    assert all(type(call[0]) is kind for call in found)


def test_nested_types_stay():
    for call in calls("{'a': [1, 2]}, ('x', 3.5), None"):
        assert set(call[0]) == {"a"}
        assert all(type(item) is int for item in call[0]["a"])
        assert [type(item) for item in call[1]] == [str, float]
        assert call[2] is None


def test_strings_stay_in_the_alphabet_of_a_few_letters():
    assert {c for call in calls("'()(())'", "'(())'") for c in call[0]} == {"(", ")"}


def test_negative_numbers_appear_only_where_they_were_seen():
    assert all(call[0] >= 0 and min(call[1], default=0) >= 0 for call in calls("4, [1, 0, 7]"))
    assert any(min(call[0], default=0) < 0 for call in calls("[-3, 5, 2]"))


def test_matrices_stay_rectangular():
    for call in calls("[[1, 2, 3, 4], [4, 5, 6, 7]]", "[[1, 2], [3, 4], [5, 6]]"):
        assert len({len(row) for row in call[0]}) <= 1


def test_pairs_stay_pairs():
    assert all(len(row) == 2 for call in calls("[[1, 3], [2, 6], [8, 10]]") for row in call[0])


def test_squares_stay_squares():
    assert all(len(row) == len(call[0]) for call in calls("[[1, 2], [3, 4]]", "[[1]]") for row in call[0])


def test_lists_of_one_length_stay_of_one_length():
    assert all(len(call[0]) == len(call[1]) for call in calls("[1, 2, 3], ['a', 'b', 'c']"))


def test_a_number_that_is_the_length_of_a_list_stays_it():
    assert all(call["n"] == len(call["xs"]) for call in calls("xs=[5, 6, 7], n=3", "xs=[1], n=1"))


def test_a_number_within_a_list_stays_within_it():
    assert all(call[1] <= len(call[0]) for call in calls("[5, 6, 7], 2", "[1, 4], 1"))


def test_sorted_and_distinct_lists_stay_so_when_three_examples_show_it():
    for call in calls("[1, 3, 9]", "[2, 4, 5, 8]", "[10, 11, 30]"):
        assert call[0] == sorted(set(call[0]))


def test_an_empty_list_is_tried_unless_the_statement_forbids_it():
    assert any(call[0] == [] for call in calls("[1, 2]"))
    assert all(call[0] for call in calls("[1, 2]", statement="1 <= nums.length <= 100"))


def test_inf_and_nan_are_literals_here():
    assert parse_call("[inf, -inf, nan]").arguments[0][:2] == [inf, -inf]


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        "f(x)",
        "x",
        "*[1]",
        "**{}",
        "__import__('os')",
        ")(",
        "[" * 3000,
        "1, =",
        "a=1, a=2",
        "[x for x in y]",
        "\ud800",
    ],
)
def test_what_is_no_call_with_literals_gives_nothing(hostile):
    assert generate_inputs([hostile], mode="function") == []


@pytest.mark.parametrize("value", [[1, "a'b"], (1,), (), {3, 1, 2}, set(), {"k": [None, True]}, -2.5, b"\xff"])
def test_rendering_reads_back(value):
    assert ast.literal_eval(render(value)) == value


def test_equal_sets_are_written_equally():
    assert render({10, 9, 1}) == render({1, 9, 10})
