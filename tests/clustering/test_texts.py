"""Strings inside calls keep what makes them readable: separators between numbers, known words."""

import re
from random import Random

import pytest

from clustering.calls import STYLES, mutate_calls
from clustering.literals import parse_call
from clustering.texts import model_texts


def written(texts, value, statement="", rounds=50):
    model, rng = model_texts(texts, statement), Random(0)
    return [model.write(value, style, rng) for _ in range(rounds) for style in STYLES]


@pytest.mark.parametrize("value", ["3/4", "-1.5", "03-11-2000", "1, 2, 3"])
def test_numbers_change_and_their_separators_stay(value):
    shape = re.sub(r"\d+", "9", value)
    new = written([value], value)
    assert len(set(new)) > 3
    assert {re.sub(r"\d+", "9", text) for text in new} == {shape}


def test_a_denominator_that_is_never_zero_stays_so():
    assert not any(text.endswith("/0") for text in written(["1/5", "7/10"], "1/5"))


def test_a_padded_number_keeps_its_width():
    assert {len(text) for text in written(["03-11-2000"], "03-11-2000")} == {10}


def test_quoted_words_of_the_statement_are_the_only_words():
    statement = "Legal are 'zero', 'one', 'two' and \"three\"."
    new = written(["three one zero"], "three one zero", statement)
    assert {word for text in new for word in text.split()} == {"zero", "one", "two", "three"}


def test_plain_digits_are_letters_and_not_a_number():
    assert written(["1010", "0"], "1010") == [None] * (50 * len(STYLES))


def calls(*examples, statement="", count=200):
    source = mutate_calls(examples, statement, Random(1))
    return [parse_call(next(source)[0]).arguments for _ in range(count)]


def test_a_list_of_exactly_two_stays_one():
    made = calls("['()', ')']", "[')', ')(']", statement="You get a list of two strings.")
    assert {len(arguments[0]) for arguments in made} == {2}


def test_at_least_two_elements_are_kept():
    made = calls("[1.0, 2.0, 3.0]", statement="Given a list of numbers (of at least two elements)")
    assert min(len(arguments[0]) for arguments in made) >= 2


def test_arguments_of_different_examples_meet():
    made = calls("'Jupiter', 'Neptune'", "'Earth', 'Mercury'")
    assert any(arguments == {0: "Jupiter", 1: "Mercury"} for arguments in made)


def test_a_lone_number_reaches_far_beyond_its_examples_when_near_ones_are_used_up():
    values = [arguments[0] for arguments in calls("3", "5")]
    assert len(set(values)) >= 30
