"""What a recorded pool says about one problem."""

from __future__ import annotations

from dataclasses import dataclass, field

from eval.task import Task
from solver.problem import Problem


@dataclass(frozen=True, slots=True)
class PoolSample:
    """One sample. source: its program, None when the answer holds none. recorded: whether it was right, where the pool
    says so; only ever compared with our own verdicts."""

    source: str | None
    language: str = "python"
    plan: str = ""
    mean_logprob: float | None = None
    recorded: bool | None = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """How a program is judged. One of: `test_code`, which calls it; `suffix`, text that makes a whole program with it;
    `task`, inputs and outputs. prelude: what test code needs to be defined."""

    test_code: str = ""
    prelude: str = ""
    suffix: str | None = None
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class PoolProblem:
    """`hidden` never goes where candidates are chosen. prompt: what the model saw, where the pool keeps it.

    model_tests: (argument text, expected literal, copies) written by the model itself.
    """

    problem: Problem
    samples: tuple[PoolSample, ...]
    hidden: Hidden = field(repr=False)
    prompt: str = ""
    model_tests: tuple[tuple[str, str, int], ...] = ()

    @property
    def judgeable(self) -> bool:
        """Whether anything can be shown about a program: some problems come without hidden tests."""
        return self.hidden.task is None or bool(self.hidden.task.tests)

    @property
    def name(self) -> str:
        """The problem's name."""
        return self.problem.name
