"""The early stop depends on the order of arrival and on nothing else."""

import itertools
from collections.abc import Iterable

from sandbox import Verdict
from solver.settled import SettledPrefix
from solver.sieve import SieveResult


def survivor(program: str, *behaviour: str) -> SieveResult:
    return SieveResult(program, 1, Verdict.AC, behaviour)


def feed(prefix: SettledPrefix, programs: Iterable[str | None]) -> None:
    """In their order; a program is new the first time."""
    seen: set[str | None] = set()
    for program in programs:
        prefix.arrived(program, is_new=program not in seen)
        seen.add(program)


def failure(program: str) -> SieveResult:
    return SieveResult(program, 0, Verdict.WA, None)


def test_a_sample_without_a_program_is_settled_at_once() -> None:
    prefix = SettledPrefix(0)
    feed(prefix, [None])
    assert prefix.length == 1


def test_an_unjudged_program_holds_back_everything_after_it() -> None:
    prefix = SettledPrefix(0)
    feed(prefix, ("slow", "quick"))
    prefix.judged(failure("quick"))
    assert prefix.length == 0
    prefix.judged(failure("slow"))
    assert prefix.length == 2


def test_the_stop_is_at_the_same_sample_whatever_order_programs_finish_in() -> None:
    results = [survivor("a", "1"), failure("b"), survivor("c", "1"), survivor("d", "1"), survivor("e", "2")]
    for order in itertools.permutations(results):
        prefix = SettledPrefix(2)
        feed(prefix, "abcde")
        for result in order:
            prefix.judged(result)
        assert (prefix.agreed_at, prefix.length) == (3, 3)


def test_duplicates_of_one_program_agree() -> None:
    prefix = SettledPrefix(3)
    prefix.judged(survivor("a", "1"))
    feed(prefix, "a" * 3)
    assert prefix.agreed_at == 3


def test_a_rival_with_more_than_half_as_many_samples_keeps_the_run_going() -> None:
    prefix = SettledPrefix(3)
    prefix.judged(survivor("a", "1"))
    prefix.judged(survivor("b", "2"))
    feed(prefix, "abbaa")
    assert prefix.agreed_at is None
    prefix.arrived("a", is_new=False)
    assert prefix.agreed_at == 6


def test_programs_that_crash_alike_do_not_agree() -> None:
    prefix = SettledPrefix(2)
    prefix.judged(survivor("a", "RTE", "TLE"))
    feed(prefix, "aa")
    assert prefix.agreed_at is None


def test_without_an_agreement_number_nothing_ends_the_run() -> None:
    prefix = SettledPrefix(0)
    prefix.judged(survivor("a", "1"))
    feed(prefix, "a" * 100)
    assert prefix.agreed_at is None


def test_without_any_number_the_run_ends_when_the_race_is_settled_in_whatever_order_programs_finish() -> None:
    arrivals = ["a", None, "c", "b"] + ["a"] * 30 + ["b"]
    for order in itertools.permutations([survivor("a", "1"), survivor("b", "2"), failure("c")]):
        prefix = SettledPrefix(None)
        feed(prefix, arrivals)
        for result in order:
            prefix.judged(result)
        assert prefix.agreed_at == prefix.length == 15


def test_more_than_one_submission_waits_until_new_behaviours_are_rare() -> None:
    ends = []
    for submissions in (1, 10):
        prefix = SettledPrefix(None, submissions)
        prefix.judged(survivor("a", "1"))
        prefix.judged(survivor("b", "2"))
        feed(prefix, ["b"] + ["a"] * 100)
        ends.append(prefix.agreed_at)
    assert ends == [13, 29]


def test_a_copy_of_a_program_that_failed_long_ago_holds_nothing_back() -> None:
    prefix = SettledPrefix(0)
    feed(prefix, "ab")
    prefix.judged(failure("a"))
    prefix.judged(failure("b"))
    prefix.arrived("a", is_new=False)
    assert prefix.length == 3


def test_a_copy_of_a_program_that_is_still_judged_waits_for_it() -> None:
    prefix = SettledPrefix(1)
    feed(prefix, "aab")
    assert prefix.length == 0
    prefix.judged(survivor("a", "1"))
    assert prefix.agreed_at == prefix.length == 1


def test_programs_that_fail_leave_nothing_behind() -> None:
    prefix = SettledPrefix(0)
    for number in range(1000):
        prefix.arrived(f"p{number}", is_new=True)
        prefix.judged(failure(f"p{number}"))
    assert not any(prefix.__dict__[name] for name in ("_waiting", "_pending", "_survivors", "_behaviours"))
