"""Judges many submissions of one problem: the time limit first, then everything else, several at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eval.cases import Case
from eval.contest import Contest
from eval.expectations import agrees
from eval.interactive import judge_interactively
from eval.judge import CaseResult, judge_case
from eval.jury import Graded, Trial
from eval.sources import Source
from sandbox import Sandbox, Verdict, make_checker
from solver.errors import UserError


@dataclass(frozen=True, slots=True)
class Submission:
    """A program to judge. expected: its directory in the package, None when nothing is promised."""

    name: str
    source: Source
    expected: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a submission.

    verdict: at the time limit. with_margin: at the limit times the safety margin. test: the failing one, else the
    slowest. cpu_seconds, wall_seconds, memory_bytes: the most that one test took. agrees: None when nothing was
    promised. score: of scoring problems.
    """

    submission: Submission
    verdict: Verdict
    with_margin: Verdict
    test: str | None
    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int
    passed: int
    tests: int
    agrees: bool | None
    score: float | None
    detail: str

    @property
    def sensitive(self) -> bool:
        """Whether the safety margin changes the verdict."""
        return self.verdict is not self.with_margin


class Panel:
    """A contest, a sandbox and how to judge. all_tests: go on after the first failure. progress: takes lines."""

    def __init__(
        self,
        contest: Contest,
        sandbox: Sandbox,
        *,
        all_tests: bool = False,
        progress: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.contest = contest
        self._progress = progress
        self.time_seconds = contest.time_seconds
        self._sandbox = sandbox
        self._checker = make_checker(contest.checker, sandbox, contest.checker_limits)
        self._all_tests = all_tests
        self._places = asyncio.Semaphore(sandbox.workers)

    async def judge(
        self, submissions: Sequence[Submission], accepted: Sequence[Submission], done: Callable[[Report], None]
    ) -> list[Report]:
        """Reports in the order of `submissions`, each handed to `done` as soon as those before it are through.

        accepted: what the time limit is derived from when the problem names none. Raises UserError.
        """
        trials: dict[str, Trial] = {}
        if self.time_seconds is None:
            trials = await self._derive(accepted)
        reports: list[Report] = []
        ahead = max(0, self._sandbox.workers - len(submissions))
        tasks = [asyncio.ensure_future(self._report(submission, trials, ahead)) for submission in submissions]
        try:
            for task in tasks:
                reports.append(await task)
                done(reports[-1])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return reports

    async def _derive(self, accepted: Sequence[Submission]) -> dict[str, Trial]:
        package = self.contest.package
        assert package is not None
        self._progress(f"deriving the time limit from {len(accepted)} accepted submissions")
        ahead = max(0, self._sandbox.workers - len(accepted))
        trials = {submission.name: self._trial(submission, None, ahead) for submission in accepted}
        times = await asyncio.gather(*(self._time(name, trial) for name, trial in trials.items()))
        slowest = [seconds for verdict, seconds in times if verdict is Verdict.AC]
        if not slowest:
            why = ", ".join(f"{name}: {verdict}" for name, (verdict, _) in zip(trials, times, strict=True)) or "none"
            raise UserError(
                f"the package names no time limit and no accepted submission passes ({why[:300]}); give --time-limit"
            )
        self.time_seconds = package.limits.derived(max(slowest))
        self._progress(f"time limit {self.time_seconds:g} s: the slowest accepted one takes {max(slowest):.3f} s")
        return trials

    async def _time(self, name: str, trial: Trial) -> tuple[Verdict, float]:
        verdict = (await self._walk(trial, float("inf"))).verdict
        seconds = max(result.cpu_seconds for result in trial.results.values())
        self._progress(f"{name}: {verdict}, slowest test {seconds:.3f} s")
        return verdict, seconds

    async def _report(self, submission: Submission, trials: dict[str, Trial], ahead: int) -> Report:
        assert self.time_seconds is not None
        high = self.time_seconds * self.contest.margin
        trial = trials.get(submission.name) or self._trial(submission, high, ahead)
        with_margin = await self._walk(trial, high)
        return self._summary(submission, trial, await self._walk(trial, self.time_seconds), with_margin)

    async def _walk(self, trial: Trial, cpu_seconds: float) -> Graded:
        async with self._places:
            return await trial.judge(cpu_seconds)

    def _trial(self, submission: Submission, cpu_seconds: float | None, ahead: int) -> Trial:
        program = self.contest.program(submission.source)
        limits = self.contest.limits_at(cpu_seconds)
        interactor = self.contest.interactor

        async def run_case(case: Case) -> CaseResult:
            if interactor is not None:
                return await judge_interactively(
                    case, program, interactor, self._sandbox, limits, self.contest.checker_limits
                )
            return await judge_case(case, program, self._sandbox, limits, self._checker)

        return Trial(self.contest.data, run_case, self._all_tests, ahead)

    def _summary(self, submission: Submission, trial: Trial, graded: Graded, with_margin: Graded) -> Report:
        assert self.time_seconds is not None
        results = [result.within(self.time_seconds) for result in trial.results.values()]
        slowest = max(results, key=lambda result: result.cpu_seconds)
        shown = graded.decisive or slowest
        scoring = self.contest.scoring
        full = graded.verdict is Verdict.AC and not (scoring and graded.score < self.contest.data.best)
        return Report(
            submission=submission,
            verdict=graded.verdict,
            with_margin=with_margin.verdict,
            test=None if graded.verdict is Verdict.CE else shown.case.name,
            cpu_seconds=slowest.cpu_seconds,
            wall_seconds=max(result.wall_seconds for result in results),
            memory_bytes=max(result.memory_bytes for result in results),
            passed=sum(result.verdict is Verdict.AC for result in results),
            tests=sum(1 for _ in self.contest.data.cases()),
            agrees=agrees(submission.expected, {graded.verdict, with_margin.verdict}, full_score=full),
            score=graded.score if scoring else None,
            detail=graded.decisive.detail if graded.decisive else "",
        )
