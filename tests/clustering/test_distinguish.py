"""Programs that agree on all inputs so far are told apart by searching where they differ."""

import asyncio
from itertools import pairwise

import pytest

from clustering.distinguish import Source, distinguish
from clustering.inputs import GeneratedInput

ARRAYS = Source(["3\n1 2 3\n", "5\n4 1 5 9 2\n"], "stdio", "n integers (1 <= n <= 10). 1 <= a_i <= 100.")


def numbers(text):
    count, values = text.strip().split("\n")
    assert int(count) == len(values.split())
    return [int(value) for value in values.split()]


def runner(*programs, calls=None):
    """Runs plain functions as if they were programs: a token is the output's text, a fault is RTE."""

    async def run(index, text):
        if calls is not None:
            calls.append((index, text))
        try:
            return f"={programs[index](numbers(text))}"
        except ZeroDivisionError:
            return "RTE"

    return run


def search(*programs, source=ARRAYS, budget=400, **options):
    return asyncio.run(distinguish(len(programs), source, runner(*programs), budget, **options))


def rises(values):
    return sum(a < b for a, b in pairwise(values))


def does_not_fall(values):
    return sum(a <= b for a, b in pairwise(values))


def test_programs_that_differ_on_equal_neighbours_are_told_apart():
    found = search(rises, does_not_fall)
    assert found.left == []
    (separation,) = found.separations
    assert separation.pairs == ((0, 1),)
    values = numbers(separation.text)
    assert rises(values) != does_not_fall(values)
    assert separation.tokens == (f"={rises(values)}", f"={does_not_fall(values)}")


def test_equal_programs_use_the_budget_and_no_more():
    found = search(sum, lambda values: sum(reversed(values)), budget=51)
    assert (found.left, found.separations) == ([(0, 1)], [])
    assert 40 <= found.runs <= 51


def test_a_crash_separates_nothing():
    found = search(sum, sum, lambda values: 1 // (len(values) - len(set(values)) - 1) * 0 + sum(values), budget=200)
    assert found.separations == []


def test_only_wanted_pairs_are_looked_for():
    found = search(min, max, lambda values: min(values), pairs=[(0, 2)], budget=60)
    assert found.left == [(0, 2)]


def test_inputs_where_others_differ_lead_to_those_that_separate_the_pair():
    """Needs two repeated values at once; a program that counts one repetition shows the way."""

    def repeats(values):
        return len(values) - len(set(values))

    def strict(values):
        return 0 if repeats(values) < 3 else 1

    found = search(lambda values: 0, strict, repeats, pairs=[(0, 1)], budget=900)
    assert found.left == []


def test_suggested_inputs_come_first_and_keep_their_origin():
    hint = GeneratedInput("2\n7 7\n", "model:distinguish")
    found = search(rises, does_not_fall, suggested=[hint])
    assert (found.separations[0].origin, found.tried) == ("model:distinguish", 1)


def test_known_inputs_are_not_tried_again():
    calls = []
    first = asyncio.run(distinguish(2, ARRAYS, runner(sum, sum, calls=calls), 100))
    known = [text for _, text in calls]
    again = []
    asyncio.run(distinguish(2, ARRAYS, runner(sum, sum, calls=again), 100, known=known))
    assert first.tried > 10
    assert not {text for _, text in again} & set(known)


def test_the_same_search_twice_is_the_same():
    assert search(rises, does_not_fall, seed=3) == search(rises, does_not_fall, seed=3)


def test_calls_are_searched_as_well():
    source = Source(["[1, 2, 3]", "[5, 1]"], "function")

    async def run(index, text):
        values = eval(text)
        return f"={len(values) if index else len(set(values))}"

    assert asyncio.run(distinguish(2, source, run, 200)).left == []


@pytest.mark.parametrize("budget", [0, 1])
def test_without_budget_nothing_runs(budget):
    assert search(rises, does_not_fall, budget=budget).runs == 0


def test_an_internal_error_separates_nothing():
    async def run(index, text):
        return None if index else "=1"

    assert asyncio.run(distinguish(2, ARRAYS, run, 40)).separations == []
