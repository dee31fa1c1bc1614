"""Right by the hidden tests, wrong in truth: accepted submissions against extra tests that reference solutions gave.

AlphaCode (arXiv 2203.07814, section 3.2.1) found that on data sets with few tests many accepted programs are wrong.
Here inputs are generated from the examples and the hidden tests, and an input becomes a test where several reference
solutions, themselves accepted, agree on its answer under the problem's checker. Where the references agree but others
may answer differently (several right answers, an input that breaks the rules), the rate is too high; where the
generated inputs are tame, too low. Nothing of this is known to a run: it happens after the judge.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clustering.inputs import generate_inputs
from eval.bench.problem_run import ProblemRun
from eval.judge import judge
from eval.sources import runnable
from eval.task import HiddenTest, Task
from sandbox import Checker, CheckerFailed, Limits, Sandbox, Verdict, make_checker
from solver.errors import UserError

FORMAT = "codesieve-extra-tests/1"
FAILED = frozenset({"WA", "TLE", "MLE", "RTE", "OLE", "CE"})
"""Verdicts that make an accepted program a false positive; IE is ours and says nothing."""
MOST_REFERENCES = 5
FEWEST_REFERENCES = 2
"""One alone could be wrong in the same way as the hidden tests."""
MOST_TRIED = 15
INPUTS = 40


@dataclass(frozen=True, slots=True)
class Solution:
    """A program that the data set calls right."""

    language: str
    source: str


@dataclass(frozen=True, slots=True)
class ExtraTests:
    """tests: inputs with the answer that all references agree on. references: how many there were. dropped: generated
    inputs by why they are no tests. why: why there are no tests at all, else empty."""

    tests: tuple[HiddenTest, ...] = ()
    references: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A problem's accepted submissions on extra tests. verdicts: program key → verdict; empty without tests. asked:
    inputs that were to be generated."""

    problem: str
    tests: int
    references: int
    verdicts: dict[str, str]
    dropped: dict[str, int]
    why: str = ""
    asked: int = 0

    @property
    def failed(self) -> int:
        """Programs that the hidden tests accept and the extra tests do not."""
        return sum(verdict in FAILED for verdict in self.verdicts.values())

    @property
    def checked(self) -> int:
        """Programs with a verdict that says something."""
        return sum(verdict == "AC" or verdict in FAILED for verdict in self.verdicts.values())

    def plain(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            "problem": self.problem,
            "tests": self.tests,
            "references": self.references,
            "checked": self.checked,
            "failed": self.failed,
            "verdicts": dict(self.verdicts),
            "dropped": dict(self.dropped),
            "why": self.why,
            "asked": self.asked,
        }


async def check_accepted(
    runs: Iterable[ProblemRun],
    task_of: Callable[[str], Task | None],
    solutions_of: Callable[[str], Iterable[Solution]],
    sandbox: Sandbox,
    *,
    count: int = INPUTS,
    seed: int = 0,
    time_factor: float = 1.0,
) -> AsyncIterator[Rejudged]:
    """Every problem whose submissions were accepted, in the order of the runs; others have nothing to take back.

    task_of, solutions_of: by the problem's name. time_factor: times the CPU seconds of every test. Raises what
    `Sandbox.run` raises.
    """
    for run in runs:
        if not any(run.right[one.row] for one in run.submissions):
            continue
        task = task_of(run.name)
        if task is None:
            yield Rejudged(run.name, 0, 0, {}, {}, "its hidden tests cannot be read", count)
            continue
        extra = await extra_tests(
            task, solutions_of(run.name), sandbox, count=count, seed=seed, time_factor=time_factor
        )
        found = await rejudge(run, task, extra, sandbox, time_factor=time_factor)
        yield replace(found, asked=count)


async def extra_tests(
    task: Task,
    references: Iterable[Solution],
    sandbox: Sandbox,
    *,
    count: int = INPUTS,
    seed: int = 0,
    fewest: int = FEWEST_REFERENCES,
    time_factor: float = 1.0,
) -> ExtraTests:
    """count: inputs to generate. fewest: references that must agree. Raises what `Sandbox.run` raises."""
    good = await _accepted(task, references, sandbox, time_factor)
    if len(good) < fewest:
        return ExtraTests(references=len(good), why=f"{len(good)} accepted reference solutions, {fewest} are needed")
    inputs = _new_inputs(task, count, seed)
    if not inputs:
        return ExtraTests(references=len(good), why="no input could be generated")
    checker = make_checker(task.checker or task.problem.checker, sandbox)
    limits = task.problem.limits(time_factor)
    answers = await asyncio.gather(*(_agreed_answer(task, one, good, sandbox, checker, limits) for one in inputs))
    tests = [
        HiddenTest(given, (answer,)) for given, (answer, _) in zip(inputs, answers, strict=True) if answer is not None
    ]
    dropped = dict(sorted(Counter(why for _, why in answers if why).items()))
    return ExtraTests(tuple(tests), len(good), dropped, "" if tests else "the references agree on no input")


async def rejudge(
    run: ProblemRun, task: Task, extra: ExtraTests, sandbox: Sandbox, *, time_factor: float = 1.0
) -> Rejudged:
    """The run's accepted submissions on the extra tests alone. Raises what `Sandbox.run` raises."""
    verdicts: dict[str, str] = {}
    if extra.tests:
        bare = Task(task.problem.model_copy(update={"examples": []}), extra.tests, checker=task.checker)
        for row in dict.fromkeys(one.row for one in run.submissions if run.right[one.row]):
            candidate = run.evidence.candidates[row]
            program = bare.problem.program(candidate.language, candidate.source)
            verdicts[candidate.key] = (await judge(bare, program, sandbox, time_factor=time_factor)).verdict.value
    return Rejudged(run.name, len(extra.tests), extra.references, verdicts, dict(extra.dropped), extra.why)


async def _accepted(task: Task, references: Iterable[Solution], sandbox: Sandbox, time_factor: float) -> list[Solution]:
    """At most MOST_REFERENCES different ones that run here and pass the task's own tests."""
    good: list[Solution] = []
    able = [one for one in dict.fromkeys(references) if not runnable(one.language)] if task.is_judgeable else []
    for reference in able[:MOST_TRIED]:
        if len(good) >= MOST_REFERENCES:
            break
        program = task.problem.program(reference.language, reference.source)
        judged = await judge(task, program, sandbox, time_factor=time_factor)
        if judged.verdict is Verdict.AC:
            good.append(reference)
    return good


def _new_inputs(task: Task, count: int, seed: int) -> list[str]:
    """Generated from the examples and the hidden tests; what is a test already is left out."""
    problem = task.problem
    known = [example.input for example in problem.examples] + [test.input for test in task.tests]
    seen = {given.strip() for given in known}
    generated = generate_inputs(
        known,
        mode=problem.mode,
        statement=problem.statement,
        count=count,
        seed=seed,
        starter_code=problem.starter_code,
        entry_point=problem.entry_point,
    )
    return [item.text for item in generated if item.text.strip() not in seen]


async def _agreed_answer(
    task: Task,
    given: str,
    references: Sequence[Solution],
    sandbox: Sandbox,
    checker: Checker,
    limits: Limits,
) -> tuple[str | None, str]:
    """The first reference's answer, where all others' are accepted in its place; else None and why not."""
    stdin = given.encode("utf-8", "surrogatepass")
    first: bytes | None = None
    for reference in references:
        outcome = await sandbox.run(task.problem.program(reference.language, reference.source), stdin, limits)
        if outcome.verdict is Verdict.IE:
            return None, "internal error"
        if outcome.verdict is not Verdict.OK:
            return None, "a reference fails"
        try:
            if first is None:
                first = outcome.output
            if not await checker.accepts(stdin, first, outcome.output):
                return None, "references disagree"
        except CheckerFailed:
            return None, "the checker fails"
    assert first is not None
    try:
        return first.decode("utf-8"), ""
    except UnicodeDecodeError:
        return None, "the answer is no text"


def save_rejudged(path: Path, rows: Iterable[Rejudged]) -> None:
    """JSON lines, one a problem; whole or not at all. Raises OSError."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(map(_line, rows)), encoding="utf-8")
    temporary.replace(path)


def append_rejudged(path: Path, row: Rejudged) -> None:
    """One more line. Raises OSError."""
    with path.open("a", encoding="utf-8") as file:
        file.write(_line(row))


def _line(row: Rejudged) -> str:
    return json.dumps({"format": FORMAT} | row.plain()) + "\n"


def load_rejudged(path: Path) -> dict[str, Rejudged]:
    """By problem; a last line that was not written to its end does not count. Raises UserError for a file that
    `save_rejudged` did not write."""
    found: dict[str, Rejudged] = {}
    try:
        whole, _, _ = path.read_text("utf-8").rpartition("\n")
        for line in whole.splitlines():
            record = json.loads(line)
            if record.get("format") != FORMAT:
                raise ValueError(f"a line is not in the format {FORMAT}")
            found[record["problem"]] = Rejudged(
                record["problem"],
                int(record["tests"]),
                int(record["references"]),
                {str(key): str(verdict) for key, verdict in record["verdicts"].items()},
                {str(why): int(n) for why, n in record["dropped"].items()},
                str(record["why"]),
                int(record.get("asked", 0)),
            )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: cannot be read as the outcome of extra tests ({error})") from None
    return found
