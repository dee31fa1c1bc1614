"""A submission's walk through grouped cases: each run once, in order, graded at any limit up to the one it ran with."""

from __future__ import annotations

import asyncio

import pytest

from eval.cases import Case, Group
from eval.judge import CaseResult
from eval.jury import Trial
from sandbox import Verdict

AC, WA, TLE, RTE = Verdict.AC, Verdict.WA, Verdict.TLE, Verdict.RTE


def case(name: str) -> Case:
    return Case(name, b"", (b"",))


class Script:
    """Runs by name with a verdict and a time written down; the order of runs is kept."""

    def __init__(self, **results: tuple[Verdict, float]) -> None:
        self.results = results
        self.ran: list[str] = []
        self.cancelled: list[str] = []

    async def __call__(self, case: Case) -> CaseResult:
        self.ran.append(case.name)
        verdict, seconds = self.results[case.name]
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled.append(case.name)
            raise
        return CaseResult(case, verdict, seconds)


def group(*items: Group | Case, name: str = "data", **settings: object) -> Group:
    return Group(name, items, **settings)  # type: ignore[arg-type]


ABC = group(case("a"), case("b"), case("c"))


async def test_nothing_runs_after_the_first_failure() -> None:
    script = Script(a=(AC, 0.1), b=(WA, 0.1), c=(AC, 0.1))
    graded = await Trial(ABC, script).judge(1.0)
    assert (graded.verdict, script.ran) == (WA, ["a", "b"])
    assert graded.decisive is not None
    assert graded.decisive.case.name == "b"


async def test_on_request_everything_runs_and_the_verdict_stays_that_of_the_first_failure() -> None:
    script = Script(a=(AC, 0.1), b=(WA, 0.1), c=(RTE, 0.1))
    graded = await Trial(ABC, script, all_cases=True).judge(1.0)
    assert (graded.verdict, script.ran) == (WA, ["a", "b", "c"])


async def test_a_lower_limit_is_judged_without_another_run() -> None:
    script = Script(a=(AC, 0.1), b=(AC, 1.5), c=(WA, 0.1))
    trial = Trial(ABC, script)
    assert (await trial.judge(2.0)).verdict is WA
    assert (await trial.judge(1.0)).verdict is TLE
    assert script.ran == ["a", "b", "c"]


async def test_a_crash_after_the_limit_is_a_time_out_at_the_limit() -> None:
    trial = Trial(group(case("a")), Script(a=(RTE, 1.5)))
    assert [(await trial.judge(limit)).verdict for limit in (2.0, 1.0)] == [RTE, TLE]


async def test_what_an_interactor_refused_in_time_stays_refused() -> None:
    async def run(case: Case) -> CaseResult:
        return CaseResult(case, WA, 9.0, settled=True)

    assert (await Trial(group(case("a")), run).judge(1.0)).verdict is WA


@pytest.mark.parametrize("verdict", [Verdict.IE, Verdict.CE])
async def test_time_excuses_neither_our_faults_nor_a_compile_error(verdict: Verdict) -> None:
    assert (await Trial(group(case("a")), Script(a=(verdict, 9.0))).judge(1.0)).verdict is verdict


async def test_a_failed_subtask_does_not_end_a_group_that_goes_on() -> None:
    data = group(
        group(case("a"), case("b"), name="one", accept_score=30.0, grader=("min",)),
        group(case("c"), name="two", accept_score=70.0, grader=("min",)),
        stop_at_reject=False,
        grader=("accept_if_any_accepted",),
    )
    script = Script(a=(WA, 0.1), b=(AC, 0.1), c=(AC, 0.1))
    graded = await Trial(data, script).judge(1.0)
    assert (graded.verdict, graded.score) == (AC, 70)
    assert script.ran == ["a", "c"]


async def test_a_validators_score_counts_instead_of_the_groups() -> None:
    async def run(case: Case) -> CaseResult:
        return CaseResult(case, AC, score=12.5 if case.name == "a" else None)

    assert (await Trial(ABC, run).judge(1.0)).score == 14.5


async def test_an_empty_group_neither_accepts_nor_fails_anything() -> None:
    data = group(group(name="sample"), group(case("a"), name="secret"), grader=("ignore_sample",))
    assert (await Trial(data, Script(a=(WA, 0.1))).judge(1.0)).verdict is WA


async def test_cases_started_ahead_are_given_up_when_they_are_not_needed() -> None:
    script = Script(a=(WA, 0.1), b=(AC, 0.1), c=(AC, 0.1))
    trial = Trial(ABC, script, ahead=2)
    assert (await trial.judge(1.0)).verdict is WA
    assert set(trial.results) == {"a"}
    assert script.ran == ["a", "b", "c"]


async def test_a_test_file_that_vanishes_is_an_error_and_leaves_no_task_behind() -> None:
    async def run(case: Case) -> CaseResult:
        raise FileNotFoundError(case.name)

    with pytest.raises(FileNotFoundError):
        await Trial(ABC, run, ahead=2).judge(1.0)
    assert len(asyncio.all_tasks()) == 1
