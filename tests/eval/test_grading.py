"""Groups are graded as Kattis's default grader does, and directories promise what Kattis says they do."""

from __future__ import annotations

import pytest

from eval.expectations import agrees
from eval.grading import grade
from sandbox import Verdict

AC, WA, TLE, RTE, MLE, OLE, CE, IE = (Verdict[name] for name in ("AC", "WA", "TLE", "RTE", "MLE", "OLE", "CE", "IE"))


@pytest.mark.parametrize(
    ("results", "flags", "expected"),
    [
        ([(AC, 1), (AC, 1)], "", (AC, 2)),
        ([(AC, 1), (WA, 0), (TLE, 0)], "", (TLE, 1)),
        ([(WA, 0), (RTE, 0)], "worst_error", (RTE, 0)),
        ([(AC, 1), (WA, 0), (RTE, 0)], "first_error", (WA, 1)),
        ([(WA, 0), (AC, 5)], "always_accept max", (AC, 5)),
        ([(WA, 0), (AC, 5)], "accept_if_any_accepted min", (AC, 0)),
        ([(WA, 0), (TLE, 0)], "accept_if_any_accepted first_error", (WA, 0)),
        ([(AC, 2), (AC, 4)], "avg", (AC, 3)),
        ([(WA, 0), (AC, 7)], "ignore_sample", (AC, 7)),
        ([], "", (AC, 0)),
    ],
)
def test_a_group_gets_the_verdict_and_score_that_its_flags_ask_for(
    results: list[tuple[Verdict, float]], flags: str, expected: tuple[Verdict, float]
) -> None:
    assert grade(results, flags.split()) == expected


@pytest.mark.parametrize("flags", ["", "always_accept", "accept_if_any_accepted", "ignore_sample", "first_error"])
def test_no_flag_hides_an_internal_error(flags: str) -> None:
    assert grade([(IE, 0), (AC, 1)], flags.split())[0] is IE


@pytest.mark.parametrize(
    ("directory", "verdict"),
    [
        ("accepted", AC),
        ("wrong_answer", WA),
        ("time_limit_exceeded", TLE),
        ("run_time_error", RTE),
        ("run_time_error", MLE),
        ("slow_accepted", TLE),
        ("compile_error", CE),
        ("rejected", OLE),
        ("brute_force", TLE),
    ],
)
def test_a_directory_is_kept_by_its_verdict_at_either_limit(directory: str, verdict: Verdict) -> None:
    assert agrees(directory, {verdict}) is True
    assert agrees(directory, {verdict, IE}) is True


@pytest.mark.parametrize("directory", ["accepted", "wrong_answer", "time_limit_exceeded", "run_time_error", "rejected"])
def test_neither_a_compile_error_nor_a_fault_of_ours_keeps_a_promise(directory: str) -> None:
    assert agrees(directory, {CE}) is False
    assert agrees(directory, {IE}) is False


def test_partially_accepted_means_accepted_without_the_full_score() -> None:
    assert agrees("partially_accepted", {AC}, full_score=False) is True
    assert agrees("partially_accepted", {AC}, full_score=True) is False
    assert agrees("partially_accepted", {WA}, full_score=False) is False


@pytest.mark.parametrize("directory", [None, "drafts", ""])
def test_where_nothing_is_promised_nothing_agrees_or_disagrees(directory: str | None) -> None:
    assert agrees(directory, {AC}) is None
