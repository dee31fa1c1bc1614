"""Choosing from the record: only settled samples, only full survivors; guesses when nothing passes."""

from pathlib import Path

import pytest

from sandbox import Verdict
from solver.choice import choose
from solver.samplers import Sample
from solver.store import Execution, RunInput, Store, StoredProgram


@pytest.fixture
def store(tmp_path: Path):
    with Store(tmp_path / "run.sqlite") as opened:
        opened.set_inputs(
            [
                RunInput(0, "example", "", "1"),
                RunInput(1, "example", "", "2"),
                RunInput(2, "generated", "", "3"),
            ]
        )
        yield opened


def add(store: Store, idx: int, program: str, *results: tuple[Verdict, str | None]) -> None:
    sample = Sample(idx, 0, "", "m", "direct", "python", 0.8, 0, 1, 1, None, "stop")
    store.add_sample(idx, sample, "ok", StoredProgram(program, idx, "python", f"# {program}"))
    for input_id, (verdict, behaviour) in enumerate(results):
        store.add_execution(Execution(program, input_id, verdict, behaviour, 0, 0, 0, 0, None, ""))


AC, WA, OK, RTE, IE = Verdict.AC, Verdict.WA, Verdict.OK, Verdict.RTE, Verdict.IE


def test_a_program_that_fails_the_last_example_is_no_survivor(store: Store) -> None:
    add(store, 0, "good", (AC, "a"), (AC, "b"), (OK, "c"))
    add(store, 1, "nearly", (AC, "a"), (WA, "x"))
    answer = choose(store, 2, 10, "largest", 0)
    assert [s.program for s in answer.submissions] == ["good"]


def test_an_ac_on_a_generated_input_does_not_make_up_for_a_missing_example(store: Store) -> None:
    add(store, 0, "odd", (AC, "a"))
    store.add_execution(Execution("odd", 2, AC, "c", 0, 0, 0, 0, None, ""))
    assert not any(s.passes_examples for s in choose(store, 1, 10, "largest", 0).submissions)


def test_samples_after_the_stop_are_not_chosen(store: Store) -> None:
    add(store, 0, "in time", (AC, "a"), (AC, "b"), (OK, "c"))
    add(store, 1, "late", (AC, "a"), (AC, "b"), (OK, "d"))
    assert [s.program for s in choose(store, 1, 10, "largest", 0).submissions] == ["in time"]


def test_the_cluster_size_counts_duplicate_samples(store: Store) -> None:
    add(store, 0, "p", (AC, "a"), (AC, "b"), (OK, "c"))
    add(store, 1, "p")
    add(store, 2, "q", (AC, "a"), (AC, "b"), (OK, "c"))
    (first, second) = choose(store, 3, 10, "largest", 0).submissions
    assert (first.program, first.cluster_size) == ("p", 3)
    assert second.cluster == first.cluster


def test_when_nothing_passes_the_program_with_most_examples_leads_the_guesses(store: Store) -> None:
    add(store, 0, "crashes", (RTE, None))
    add(store, 1, "wrong", (WA, "x"))
    add(store, 2, "halfway", (AC, "a"), (RTE, None))
    guesses = choose(store, 3, 2, "largest", 0).submissions
    assert [(g.program, g.examples_passed, g.passes_examples) for g in guesses] == [
        ("halfway", 1, False),
        ("wrong", 0, False),
    ]


def test_a_program_our_own_fault_kept_from_judging_is_the_last_guess(store: Store) -> None:
    add(store, 0, "unlucky", (IE, None))
    add(store, 1, "crashes", (RTE, None))
    assert [s.program for s in choose(store, 2, 10, "largest", 0).submissions] == ["crashes", "unlucky"]


def test_a_survivor_that_has_not_been_run_on_every_generated_input_is_not_clustered(store: Store) -> None:
    add(store, 0, "dropped", (AC, "a"), (AC, "b"))
    assert choose(store, 1, 10, "largest", 0).clusters == []
