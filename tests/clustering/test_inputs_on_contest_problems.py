"""Inputs generated for public contest problems, held against hand-written validators.

Validators here check the format and the relations between sizes; a few also the stated ranges. At least
nine in ten inputs must pass on each problem: only two thirds of CodeContests' own tests are valid.
"""

import gzip
import json
from collections.abc import Callable, Iterator

import pytest

from clustering import generate_inputs


class Reader:
    """Reads an input line by line; any surprise is an AssertionError, ValueError or IndexError."""

    def __init__(self, text: str) -> None:
        self.lines = text.rstrip("\n").split("\n")
        self.at = 0

    def line(self) -> str:
        self.at += 1
        return self.lines[self.at - 1]

    def ints(self, count: int, low: int = -(10**18), high: int = 10**18) -> list[int]:
        values = [int(token) for token in self.line().split()]
        assert len(values) == count
        assert all(low <= value <= high for value in values)
        return values

    def cases(self) -> Iterator[int]:
        (count,) = self.ints(1, 1, 10**5)
        yield from range(count)

    def end(self) -> None:
        assert self.at == len(self.lines)


def tree_edges(r: Reader, n: int) -> None:
    leader = list(range(n + 1))

    def find(v: int) -> int:
        while leader[v] != v:
            v = leader[v]
        return v

    for _ in range(n - 1):
        u, v = r.ints(2, 1, n)
        assert find(u) != find(v)
        leader[find(u)] = find(v)


def shifting_sort(r: Reader) -> None:
    for _ in r.cases():
        (n,) = r.ints(1, 2, 50)
        r.ints(n, -(10**9), 10**9)


def ticks(r: Reader) -> None:
    for _ in r.cases():
        n, m, k = r.ints(3, 1, 19)
        assert k <= n <= 10
        for _ in range(n):
            row = r.line()
            assert len(row) == m
            assert set(row) <= set(".*")


def portal(r: Reader) -> None:
    for _ in r.cases():
        n, m = r.ints(2, 4, 400)
        assert n >= 5
        for _ in range(n):
            row = r.line()
            assert len(row) == m
            assert set(row) <= set("01")


def train_maintenance(r: Reader) -> None:
    n, m = r.ints(2, 1, 200_000)
    for _ in range(n):
        r.ints(2, 1, 10**9)
    for _ in range(m):
        operation, k = r.ints(2, 1)
        assert operation in (1, 2)
        assert k <= n


def distinct_array(r: Reader) -> None:
    n, m = r.ints(2, 1, 4000)
    assert m <= n
    assert len(set(r.ints(n, 1, 2**31 - 1))) == n


def grandma_scarf(r: Reader) -> None:
    for _ in r.cases():
        (n,) = r.ints(1, 1, 100_000)
        word = r.line()
        assert len(word) == n
        assert word.islower()


def determination(r: Reader) -> None:
    n, m = r.ints(2, 1, 10**6)
    for _ in range(n):
        row = r.line()
        assert len(row) == m
        assert set(row) <= set(".X")
    (q,) = r.ints(1, 1, 200_000)
    for _ in range(q):
        first, last = r.ints(2, 1, m)
        assert first <= last


def blue_red(r: Reader) -> None:
    for _ in r.cases():
        (n,) = r.ints(1, 1, 200_000)
        r.ints(n, -(10**9), 10**9)
        colours = r.line()
        assert len(colours) == n
        assert set(colours) <= set("BR")


def weights(r: Reader) -> None:
    n, m = r.ints(2, 1, 10**5)
    for _ in range(n):
        r.ints(m)


def tree_coloring(r: Reader) -> None:
    (n,) = r.ints(1, 2, 250_000)
    tree_edges(r, n)


def closing_the_gap(r: Reader) -> None:
    for _ in r.cases():
        (n,) = r.ints(1, 2, 100_000)
        r.ints(n, 1, 10**9)


def tiles_placement(r: Reader) -> None:
    n, k = r.ints(2, 2, 200_000)
    assert k <= n
    tree_edges(r, n)


def new_year_presents(r: Reader) -> None:
    n, m = r.ints(2, 1, 10**5)
    for _ in range(n):
        count, *kinds = [int(token) for token in r.line().split()]
        assert len(kinds) == count
        assert all(1 <= kind <= m for kind in kinds)
        assert len(set(kinds)) == count


VALIDATORS: dict[str, Callable[[Reader], None]] = {
    "1579_B": shifting_sort,
    "1579_C": ticks,
    "1580_A": portal,
    "1580_C": train_maintenance,
    "1580_D": distinct_array,
    "1582_C": grandma_scarf,
    "1586_C": determination,
    "1607_D": blue_red,
    "1600_J": weights,
    "1613_F": tree_coloring,
    "1615_A": closing_the_gap,
    "1090_C": new_year_presents,
    "1214_H": tiles_placement,
}


@pytest.fixture(scope="module")
def problems(shared_data):
    found = {}
    for name in ("code_contests_test", "code_contests_train_sample"):
        with gzip.open(shared_data / "problems" / f"{name}.jsonl.gz", "rt") as lines:
            found.update({record["name"]: record for record in map(json.loads, lines)})
    return found


def inputs_for(record, count=40):
    examples = record["public_tests"]["input"]
    return generate_inputs(examples, mode="stdio", statement=record["description"], count=count)


def share_valid(texts, validate):
    return sum(is_valid(text, validate) for text in texts) / len(texts)


def is_valid(text, validate):
    reader = Reader(text)
    try:
        validate(reader)
        reader.end()
    except (AssertionError, ValueError, IndexError):
        return False
    return True


@pytest.mark.parametrize("prefix", sorted(VALIDATORS))
def test_nine_in_ten_inputs_keep_the_format(problems, prefix):
    record = next((record for name, record in problems.items() if name.startswith(prefix)), None)
    if record is None:
        pytest.skip(f"no problem {prefix} in the shared data")
    validate = VALIDATORS[prefix]
    assert all(is_valid(example, validate) for example in record["public_tests"]["input"])
    assert share_valid([item.text for item in inputs_for(record)], validate) >= 0.9


def test_nearly_every_problem_gets_as_many_inputs_as_asked_for(problems):
    some = list(problems.values())[::6]
    full = sum(len(inputs_for(record, count=20)) == 20 for record in some)
    assert full >= 0.95 * len(some)
