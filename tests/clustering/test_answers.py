"""Outputs that say the same in other words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering.answers import MAX_TEXT, same_answers


def merged(*texts):
    first = same_answers(dict(enumerate(texts, start=8)))
    return len(set(first.values())) == 1


@pytest.mark.parametrize(
    "texts",
    [
        ("0.3", "0.30000000000000004"),
        ("2.9999999999999996", "3.0", "3"),
        ("1e3", "1000.0", "1000"),
        ("123456.789", "123456.7891"),
        ("[1, 2, 3]", "1 2 3", "(1,2,3)"),
        ("YES", "Yes", "'yes'"),
        ("a  b\n", "a b"),
        ("x 0.1 y 0.2", "x 0.10000000000001 y 0.2"),
    ],
)
def test_noise_and_presentation_do_not_make_another_answer(texts):
    assert merged(*texts)


@pytest.mark.parametrize(
    "texts",
    [
        ("1000000", "1000001"),
        ("123456789012345678901", "123456789012345678902"),
        ("0.3", "0.31"),
        ("0.0001", "0.0002"),
        ("aBc", "AbC"),
        ("-1", "1"),
        ("1 2", "2 1"),
        ("12", "1 2"),
        ("0.1 0.2", "0.1"),
        ("a+b", "a-b"),
        ("", "None"),
    ],
)
def test_what_differs_in_value_stays_apart(texts):
    assert not merged(*texts)


def test_texts_that_were_cut_are_not_trusted():
    long = "1" * MAX_TEXT
    assert same_answers({8: long, 9: long + " ", 10: long}) == {8: 8, 9: 9, 10: 10}
    assert same_answers({8: "cut", 9: "cut", 10: "cut "}) == {8: 8, 9: 9, 10: 10}


def test_brackets_alone_say_too_little_to_be_the_same():
    assert not merged("[]", "")
    assert not merged("[]", "{}")


@given(st.dictionaries(st.integers(8, 40), st.text(alphabet="01.e-+ []Yesn,", max_size=8), max_size=12))
def test_the_map_is_idempotent_and_stays_within_the_column(texts):
    first = same_answers(texts)
    assert set(first) == set(texts)
    assert all(first[first[number]] == first[number] <= number for number in texts)
