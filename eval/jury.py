"""Judges a submission on grouped test data at two time limits at once, from one run per case.

A case is run with the higher limit; what the lower one would have said follows from the CPU time. Kattis looks at
both: a submission that should be too slow must be so by a margin.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from eval.cases import Case, Group
from eval.grading import grade
from eval.judge import CaseResult
from sandbox import Verdict

RunCase = Callable[[Case], Awaitable[CaseResult]]


@dataclass(frozen=True, slots=True)
class Graded:
    """The result of a group or case. decisive: the case that the verdict comes from, None when accepted."""

    verdict: Verdict
    score: float
    decisive: CaseResult | None


@dataclass(slots=True)
class Trial:
    """One submission's walk through the data. Every case is run at most once.

    all_cases: run what comes after a failure too; the verdict stays that of the first.
    ahead: how many further cases are started before they are known to be needed.
    """

    data: Group
    run_case: RunCase
    all_cases: bool = False
    ahead: int = 0
    results: dict[str, CaseResult] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[CaseResult]] = field(default_factory=dict)

    async def judge(self, cpu_seconds: float) -> Graded:
        """Grades at a time limit, running what has not been run."""
        try:
            return await self._group(self.data, cpu_seconds, list(self.data.cases()))
        finally:
            left = [task for task in self._tasks.values() if not task.done()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            self._tasks.clear()

    async def _group(self, group: Group, cpu_seconds: float, cases: list[Case]) -> Graded:
        members: list[Graded] = []
        rejected = False
        for item in group.items:
            if isinstance(item, Case):
                result = (await self._result(item, cases)).within(cpu_seconds)
                graded = _graded(result, group)
            elif any(item.cases()):
                graded = await self._group(item, cpu_seconds, cases)
            else:
                continue
            if not rejected:
                members.append(graded)
            rejected = rejected or (group.stop_at_reject and graded.verdict is not Verdict.AC)
            if rejected and not self.all_cases:
                break
        verdict, score = grade([(member.verdict, member.score) for member in members], group.grader)
        decisive = next((member.decisive for member in members if member.verdict is verdict), None)
        return Graded(verdict, score, decisive)

    async def _result(self, case: Case, cases: list[Case]) -> CaseResult:
        if case.name not in self.results:
            here = next(index for index, other in enumerate(cases) if other is case)
            for soon in cases[here : here + 1 + self.ahead]:
                if soon.name not in self.results and soon.name not in self._tasks:
                    self._tasks[soon.name] = asyncio.ensure_future(self.run_case(soon))
            self.results[case.name] = await self._tasks.pop(case.name)
        return self.results[case.name]


def _graded(result: CaseResult, group: Group) -> Graded:
    accepted = result.verdict is Verdict.AC
    score = group.accept_score if accepted else group.reject_score
    if accepted and result.score is not None:
        score = result.score
    return Graded(result.verdict, score, None if accepted else result)
