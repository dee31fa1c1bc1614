"""Generated inputs: what holds for all of them."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering import generate_inputs
from clustering.literals import parse_call

ARRAY = ["5\n3 6 2 1 4\n", "2\n7 7\n"]


def texts(*examples, statement="", count=40, mode="stdio"):
    return [item.text for item in generate_inputs(examples, mode=mode, statement=statement, count=count)]


def arrays(*examples, statement=""):
    """The arrays of "n, then n numbers" inputs; asserts that the count is right."""
    found = []
    for text in texts(*examples, statement=statement):
        head, _, rest = text.partition("\n")
        values = [int(token) for token in rest.split()]
        assert len(values) == int(head)
        found.append(values)
    assert found
    return found


def test_the_same_seed_gives_the_same_inputs_and_another_seed_others():
    assert generate_inputs(ARRAY, mode="stdio", seed=3) == generate_inputs(ARRAY, mode="stdio", seed=3)
    assert generate_inputs(ARRAY, mode="stdio", seed=3) != generate_inputs(ARRAY, mode="stdio", seed=4)


@pytest.mark.parametrize(("mode", "example"), [("stdio", "4 4\nabca\n"), ("function", "{'b', 'a', 'c'}, 'xyz'")])
def test_the_hash_seed_of_the_process_changes_nothing(mode, example):
    code = f"from clustering import generate_inputs as g; print(g([{example!r}], mode={mode!r}))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True, timeout=60
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


@pytest.mark.parametrize("mode", ["stdio", "file"])
def test_inputs_differ_from_each_other_and_from_the_examples(mode):
    found = [" ".join(text.split()) for text in texts(*ARRAY, mode=mode)]
    assert len(found) == 40
    assert len(set(found)) == 40
    assert not set(found) & {" ".join(example.split()) for example in ARRAY}


def test_a_call_that_only_looks_different_from_the_example_is_not_new():
    assert "[1, 2]" not in texts("[1,2]", mode="function")


@pytest.mark.parametrize("count", [-1, 0, 1, 7])
def test_count_is_kept(count):
    assert len(texts(*ARRAY, count=count)) == max(count, 0)


def test_no_examples_no_inputs():
    assert texts() == []
    assert texts("", "  \n") == []


def test_fewer_come_back_when_there_are_no_more():
    assert set(texts("2\n", statement="Input\n\nOne integer n (1 ≤ n ≤ 4).\n")) == {"1\n", "3\n", "4\n"}


def test_the_statement_bounds_values_and_is_explored_to_its_ends():
    statement = "Input\n\nAn integer n (1 ≤ n ≤ 50). Then n integers a_1, …, a_n (-7 ≤ a_i ≤ 9).\n"
    values = {value for array in arrays(*ARRAY, statement=statement) for value in array}
    assert (min(values), max(values)) == (-7, 9)


def test_without_a_statement_nothing_is_negative_unless_an_example_is():
    assert all(value >= 0 for array in arrays(*ARRAY) for value in array)
    assert any(value < 0 for array in arrays("3\n-4 5 9") for value in array)


def test_sizes_change_with_their_counts():
    assert len({len(array) for array in arrays(*ARRAY)}) > 5


def test_a_permutation_stays_a_permutation():
    for array in arrays("4\n2 4 1 3", "3\n3 1 2"):
        assert sorted(array) == list(range(1, len(array) + 1))


def test_distinct_values_stay_distinct_where_the_statement_says_so():
    statement = "Input\n\nn, then n distinct integers a_1, …, a_n (1 ≤ a_i ≤ 10^6).\n"
    assert all(len(set(array)) == len(array) for array in arrays("4\n20 4 10 3", statement=statement))


def test_examples_that_happen_to_be_sorted_do_not_bind_when_the_statement_asks_for_nothing():
    statement = "Input\n\nAn integer n (1 ≤ n ≤ 50). Then n integers a_1, …, a_n (1 ≤ a_i ≤ 9).\n"
    assert any(array != sorted(array) for array in arrays("4\n1 2 3 4", statement=statement))


def test_a_string_keeps_the_length_and_alphabet_that_its_count_and_example_show():
    for text in texts("8\nabcaacab", "6\nabbcca"):
        size, word = text.split()
        assert len(word) == int(size)
        assert set(word) <= set("abc")


def test_a_number_in_binary_notation_stays_one():
    statement = "A line holds a number in binary notation."
    for examples in (["101\n", "110010\n"], ["10110\n"]):
        found = [item.text for item in generate_inputs(examples, mode="stdio", statement=statement, count=30)]
        assert len(found) > 10
        assert all(set(text.strip()) <= {"0", "1"} for text in found)


def test_powers_of_ten_are_decimal_numbers_whatever_their_digits():
    found = [
        item.text for item in generate_inputs(["100\n", "1000\n"], mode="stdio", statement="An integer.", count=30)
    ]
    assert any(not set(text.strip()) <= {"0", "1"} for text in found)


def test_a_grid_keeps_its_height_width_and_symbols():
    for text in texts("2 3\n*.*\n..*\n", "3 5\n.....\n*...*\n.*.*.\n"):
        (height, width), rows = map(int, text.split("\n")[0].split()), text.split()[2:]
        assert (len(rows), {len(row) for row in rows}) == (height, {width})
        assert set("".join(rows)) <= {"*", "."}


def test_balanced_brackets_stay_balanced():
    for text in texts("()()(())\n", "((()))\n"):
        depth = 0
        for c in text.strip():
            depth += 1 if c == "(" else -1
            assert depth >= 0
        assert depth == 0


def test_a_tree_stays_a_tree():
    for text in texts("4\n1 2\n1 3\n3 4\n", "3\n1 2\n2 3\n", statement="You are given a tree with n vertices."):
        lines = [[int(token) for token in line.split()] for line in text.splitlines()]
        n, edges = lines[0][0], lines[1:]
        assert len(edges) == n - 1
        reached, frontier = {1}, [1]
        while frontier:
            v = frontier.pop()
            for edge in edges:
                if v in edge:
                    w = edge[0] + edge[1] - v
                    if w not in reached:
                        reached.add(w)
                        frontier.append(w)
        assert reached == set(range(1, n + 1))


def test_the_header_counts_the_test_cases():
    sizes = set()
    for text in texts("3\n2\n2 1\n3\n1 2 1\n1\n5\n", statement="There are t test cases."):
        lines = text.split("\n")[:-1]
        count, at = int(lines[0]), 1
        sizes.add(count)
        for _ in range(count):
            assert len(lines[at + 1].split()) == int(lines[at])
            at += 2
        assert at == len(lines)
    assert len(sizes) > 3


def test_a_segment_keeps_its_ends_in_order_and_in_range():
    statement = "Input\n\nIntegers n and q. Each of q lines has two integers l_i and r_i (1 ≤ l_i ≤ r_i ≤ n).\n"
    for text in texts("5 2\n1 3\n2 5\n", "4 3\n1 1\n2 4\n3 3\n", statement=statement):
        lines = [[int(token) for token in line.split()] for line in text.splitlines()]
        assert len(lines) == lines[0][1] + 1
        assert all(1 <= left <= right <= lines[0][0] for left, right in lines[1:])


def test_without_a_layout_the_shape_of_the_tokens_stays():
    example = "? ab 12\n!\n\n? cd\n! 7 8 9\n?\n"
    other = "!\n"
    found = texts(example, other)
    assert found
    assert {tuple(len(line.split()) for line in text.splitlines()) for text in found} == {(3, 1, 0, 2, 4, 1)}


@settings(deadline=None, max_examples=40)
@given(st.lists(st.text(alphabet="0123 \n-ab.\0()é", max_size=60), max_size=3), st.sampled_from(["stdio", "function"]))
def test_no_example_raises_and_all_inputs_are_new(examples, mode):
    found = [item.text for item in generate_inputs(examples, mode=mode, count=5)]
    assert len(set(found)) == len(found)
    assert not set(found) & set(examples)


@pytest.mark.parametrize(
    "hostile",
    [
        "x" * 5_000_000,
        "\0\1\2",
        "1 " * 8_000,
        "1\n" * 8_000,
        "9" * 16_000,
        "10000000000000\n1",
        "\ud800 1",
        "\n" * 9_000 + "1",
    ],
    ids=[
        "megabytes",
        "binary",
        "one-long-line",
        "many-lines",
        "huge-number",
        "lying-count",
        "surrogate",
        "blank-lines",
    ],
)
@pytest.mark.parametrize("mode", ["stdio", "function"])
def test_a_hostile_example_gives_bounded_inputs(hostile, mode):
    for text in texts(hostile, count=5, mode=mode):
        assert len(text) <= 65_536


def test_a_huge_example_does_not_spoil_the_others():
    assert texts("x" * 5_000_000, *ARRAY)


def test_most_inputs_are_small():
    sizes = sorted(len(text) for text in texts(*ARRAY))
    assert sizes[-4] <= 4_096
    assert sizes[-1] <= 65_536


def test_every_input_says_where_it_came_from():
    assert {item.origin.split(":")[0] for item in generate_inputs(ARRAY, mode="stdio")} == {"structure"}
    assert {item.origin.split(":")[0] for item in generate_inputs(["[1, 2]"], mode="function")} == {"call"}


def test_where_every_number_stands_twice_it_stays_so():
    statement = "There are n pairs (1 <= n <= 100). Then 2n integers a_1, ..., a_2n: each number occurs twice."
    made = generate_inputs(["4\n1 1 2 3 3 2 4 4\n", "3\n1 1 2 2 3 3\n"], mode="stdio", statement=statement, count=30)
    assert len(made) >= 10
    for item in made:
        n, values = item.text.strip().split("\n")
        assert sorted(map(int, values.split())) == sorted([*range(1, int(n) + 1)] * 2)


def test_a_function_without_examples_is_called_by_its_signature():
    code = "def scale(values: List[int], factor: float) -> List[float]:\n"
    made = generate_inputs([], mode="function", starter_code=code, entry_point="scale", count=20)
    assert len(made) == 20
    assert {item.origin for item in made} == {"signature"}
    calls = [parse_call(item.text) for item in made]
    assert all(isinstance(call.arguments[0], list) and isinstance(call.arguments[1], float) for call in calls)


def test_examples_are_preferred_to_the_signature():
    made = generate_inputs(["[1, 2]"], mode="function", starter_code="def f(a): ...", entry_point="f")
    assert {item.origin.partition(":")[0] for item in made} == {"call"}
