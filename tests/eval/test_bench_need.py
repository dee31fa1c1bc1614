"""Which problem is given samples first."""

from clustering.stopping import LEAST_LEADER
from eval.bench.need import need
from solver.progress import Counts


def test_problems_without_a_passing_program_come_first_and_those_about_to_settle_last() -> None:
    passing = [0, 1, LEAST_LEADER // 2 - 1, LEAST_LEADER // 2, LEAST_LEADER]
    assert [need(Counts(passing=count)) for count in passing] == [0, 1, 1, 2, 2]


def test_many_samples_without_a_passing_program_do_not_make_a_problem_wait() -> None:
    assert need(Counts(samples=1000, unique=900, compiled=900)) == need(Counts())
