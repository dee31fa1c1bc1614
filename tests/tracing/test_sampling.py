"""Which candidates are kept."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from solver.store import Store
from solver.tracing import TraceOptions
from solver.tracing.book import Book, trace_of
from solver.tracing.export import Exports

KEYS = [sha256(str(i).encode()).hexdigest() for i in range(20_000)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "run.sqlite") as opened:
        yield opened


def book(store: Store, rate: float) -> Book:
    return Book(store, Exports(None, None), rate, content=False)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_what_a_small_share_keeps_a_larger_one_keeps_too(store: Store, low: float, high: float) -> None:
    low, high = sorted((low, high))
    few, many = book(store, low), book(store, high)
    assert all(many.keeps(key) for key in KEYS[:500] if few.keeps(key))


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.5, 1.0])
def test_the_share_kept_is_the_share_asked_for(store: Store, rate: float) -> None:
    one = book(store, rate)
    kept = sum(one.keeps(key) for key in KEYS)
    assert abs(kept / len(KEYS) - rate) <= 0.01


def test_a_million_samples_leave_about_ten_thousand_candidates_and_a_small_run_keeps_all(store: Store) -> None:
    assert TraceOptions().rate_for(1_000_000) == pytest.approx(0.01)
    assert TraceOptions().rate_for(64) == 1.0
    assert TraceOptions(rate=0.5).rate_for(64) == 0.5


def test_two_sessions_of_a_run_number_alike_and_two_runs_do_not(store: Store, tmp_path: Path) -> None:
    first, second = book(store, 1), book(store, 0)
    assert first.number("candidate", "a") == second.number("candidate", "a")
    assert first.trace == trace_of(store)
    with Store(tmp_path / "other.sqlite") as other:
        assert trace_of(other) is None
        assert book(other, 1).number("candidate", "a") != first.number("candidate", "a")


def test_a_key_with_a_separator_in_it_is_another_key(store: Store) -> None:
    one = book(store, 1)
    assert one.number("chat", "a b") != one.number("chat", "a", "b")
    assert one.number("chat", 11, 1) != one.number("chat", 1, 11)
