"""Reading ranges and names out of statements."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.constraints import Range, read_constraints


@pytest.mark.parametrize(
    "text",
    [
        "(1 ≤ n ≤ 2 ⋅ 10^5)",
        r"$1 \le n \le 2 \cdot 10^5$",
        r"\(1 \leq n \leq 2\times 10^{5}\)",
        "1 <= n <= 200000",
        "1 ≤ n ≤ 200 000",
        "1 <= n <= 200,000",
        "0 < n < 200001",
        "1 ⩽ n ⩽ 2*10**5",
    ],
)
def test_ways_to_write_one_range(text):
    assert read_constraints(text).ranges["n"] == Range(1, 200_000)


def test_a_list_of_names_shares_its_range():
    ranges = read_constraints("-10^9 ≤ x_i, y_i ≤ 10^9").ranges
    assert ranges["x"] == ranges["y"] == Range(-(10**9), 10**9)


def test_a_chain_bounds_the_smaller_by_the_larger():
    ranges = read_constraints("1 ≤ m ≤ n ≤ 500").ranges
    assert ranges["m"] == Range(1, 500, "n")
    assert ranges["n"] == Range(1, 500)


def test_a_strict_bound_by_a_variable_is_one_less():
    assert read_constraints("0 ≤ b_i < k").ranges["b"] == Range(0, None, "k", -1)


def test_a_bound_may_have_something_taken_off():
    assert read_constraints("0 ≤ k ≤ n - 1").ranges["k"] == Range(0, None, "n", -1)


def test_the_length_of_a_string_is_not_the_string():
    ranges = read_constraints("1 ≤ |s| ≤ 8").ranges
    assert ranges["|s|"] == Range(1, 8)
    assert "s" not in ranges


def test_the_input_section_is_believed_over_the_story():
    statement = "Choose 1 ≤ n ≤ 3.\n\nInput\n\nOne integer n (1 ≤ n ≤ 100).\n\nOutput\n\nA number."
    assert read_constraints(statement).ranges["n"] == Range(1, 100)


def test_names_are_introduced_in_order():
    statement = "Input\n\nTwo integers n and m. Then n integers a_1, a_2, …, a_n.\n"
    assert read_constraints(statement).introductions == (("n", "m"), ("a_1", "a_2", "a_n"))


def test_ends_of_a_segment_are_in_order():
    constraints = read_constraints("1 ≤ x_1 ≤ x_2 ≤ m and l_i < r_i")
    assert constraints.in_order("x_1", "x_2")
    assert constraints.in_order("l", "r")
    assert not constraints.in_order("x_2", "x_1")


def test_towers_of_powers_are_not_computed():
    assert "n" not in read_constraints("1 ≤ n ≤ 999999999^999").ranges


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="an1 ,_|<=≤^*-+(){}\\le.i\n$", max_size=300))
def test_no_statement_raises(text):
    read_constraints(text)


@pytest.mark.parametrize("unit", ["a,", "1 ≤ ", "a<", "1 * 1 < ", "integers a and ", "|a_1,", "1 000 ", "(" * 9])
def test_a_hostile_statement_is_read_to_its_end(unit):
    # Each of these took seconds or more with a pattern that backtracks over the whole text.
    read_constraints(unit * 20_000)
