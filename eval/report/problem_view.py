"""One problem as the page shows it: what became of it, its prompt, programs, clusters and the deciding inputs.

Everything is cut to an allowance of characters, the most telling first. No HTML here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from clustering.evidence import Evidence
from eval.bench.problem_run import NO_RESULT, NOT_JUDGED, ProblemRun
from eval.report.clusters import Cell, Group, Outputs, deciding_inputs, groups_of
from eval.report.texts import Allowance, Piece, visible
from solver.engine import planned_requests
from solver.errors import UserError

Fate = Literal["solved", "selection", "filter", "uncovered"]
FATES: dict[Fate, str] = {
    "solved": "solved",
    "selection": "lost in the choice",
    "filter": "lost by the filter",
    "uncovered": "no right sample",
}
"""What became of a problem. Lost in the choice: a right program passes the examples and was not submitted. Lost by
the filter: a right program was sampled, and none of the right ones was let through."""

STAGES = ("sampled", "unique", "compiled", "passing", "clusters", "submitted", "right")
"""What is counted for each problem."""

_STATEMENT, _PROMPT, _PROGRAM, _INPUT, _OUTPUT = 6000, 8000, 5000, 400, 200
_CLUSTERS, _INPUTS, _LEADERS = 8, 6, 5
_REQUESTS = 4096  # of a long run, the prompts looked at
_DIGEST = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Shown:
    """A program. rank: of the submission, None for a cluster's leader that was not submitted. failed_on: the judge's
    test that it failed."""

    rank: int | None
    confidence: float | None
    cluster: int | None
    cluster_samples: int
    samples: int
    first_sample: int
    language: str
    plans: str
    example_verdict: str
    verdict: str
    cpu_seconds: float | None
    source: Piece | None
    failed_on: str = ""

    @property
    def right(self) -> bool:
        return self.verdict == "AC"


@dataclass(frozen=True, slots=True)
class ShownCluster:
    """right: of its programs, as many are right. rank: of the first submission from it. failing: on every input."""

    index: int
    samples: int
    programs: int
    right: int
    rank: int | None
    failing: bool


@dataclass(frozen=True, slots=True)
class ShownInput:
    """origin: where the input comes from. cells: one a cluster shown."""

    text: Piece
    origin: str
    validity: float
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ProblemView:
    """Counts: what the funnel counts for this problem. prompt_is_its: the prompt is the one behind the first
    submission; else the first that this configuration asks."""

    number: int
    name: str
    fate: Fate
    solved_by: int | None
    source: str
    difficulty: str
    tags: tuple[str, ...]
    date: str
    doubtful: str
    hidden_tests: int
    examples: int
    time_limit_seconds: float
    memory_limit_bytes: int
    counts: dict[str, int]
    right_samples: int
    tokens: int
    executions: int
    stop_reason: str
    why: str
    example_verdicts: list[tuple[str, int]]
    hidden_verdicts: list[tuple[str, int]]
    clusters: list[ShownCluster]
    more_clusters: int
    inputs: list[ShownInput]
    all_inputs: int
    submissions: list[Shown]
    leaders: list[Shown]
    statement: Piece | None
    prompt: Piece | None
    prompt_is_its: bool

    @property
    def fate_words(self) -> str:
        return FATES[self.fate]


def fate_of(run: ProblemRun) -> Fate:
    """What became of the problem, the first that holds."""
    if any(run.right[submitted.row] for submitted in run.submissions):
        return "solved"
    if (run.right & run.evidence.passes).any():
        return "selection"
    return "filter" if run.right.any() else "uncovered"


def view(run: ProblemRun, characters: int) -> ProblemView:
    """characters: how much text of statement, prompt, programs and inputs may be shown, in all."""
    evidence, report, about = run.evidence, run.report, run.about
    groups = groups_of(evidence)
    allowance = Allowance(characters)
    taken = _programs(run, groups, allowance)
    best = next(taken, None)
    shown = groups[:_CLUSTERS]
    inputs = list(_inputs(run, shown, allowance))
    statement = allowance.take(re.sub(r"\n\s*\n", "\n\n", run.problem.statement), _STATEMENT)
    prompt, is_its = _prompt(run)
    shown_prompt = allowance.take(prompt, _PROMPT)
    programs = ([best] if best else []) + list(taken)
    return ProblemView(
        number=about.number,
        name=visible(run.name)[:200],
        fate=fate_of(run),
        solved_by=next((s.rank for s in run.submissions if run.right[s.row]), None),
        source=visible(about.source)[:60],
        difficulty=visible(about.difficulty)[:60] or (str(about.rating) if about.rating else ""),
        tags=tuple(visible(tag)[:40] for tag in about.tags[:12]),
        date=visible(about.date)[:30],
        doubtful=visible(about.doubtful)[:200],
        hidden_tests=about.hidden_tests,
        examples=len(run.problem.examples),
        time_limit_seconds=run.problem.time_limit_seconds,
        memory_limit_bytes=run.problem.memory_limit_bytes,
        counts=_counts(run, groups),
        right_samples=int(run.right[run.sample_program[run.sample_program >= 0]].sum()),
        tokens=int(run.sample_tokens.sum()),
        executions=run.executions,
        stop_reason=visible(str(report.get("stop_reason", "")))[:60],
        why=visible(str(report.get("why") or ""))[:300],
        example_verdicts=_tally(run.example_verdict),
        hidden_verdicts=_tally([v for v in run.verdict if v != NOT_JUDGED]),
        clusters=[_cluster(run, group) for group in shown],
        more_clusters=len(groups) - len(shown),
        inputs=inputs,
        all_inputs=len(evidence.inputs),
        submissions=[program for program in programs if program.rank is not None],
        leaders=[program for program in programs if program.rank is None],
        statement=statement,
        prompt=shown_prompt,
        prompt_is_its=is_its,
    )


def _counts(run: ProblemRun, groups: list[Group]) -> dict[str, int]:
    compiled = sum(verdict not in ("CE", "IE", NO_RESULT) for verdict in run.example_verdict)
    right = sum(bool(run.right[submitted.row]) for submitted in run.submissions)
    numbers = (
        len(run.sample_program),
        len(run.evidence.candidates),
        compiled,
        int(run.evidence.passes.sum()),
        len(groups),
        len(run.submissions),
        right,
    )
    return dict(zip(STAGES, numbers, strict=True))


def _programs(run: ProblemRun, groups: list[Group], allowance: Allowance) -> Iterator[Shown]:
    """Submissions, best first; then the leaders of large clusters that were not submitted."""
    group_of = {row: group for group in groups for row in group.rows}
    submitted = {s.row for s in run.submissions}
    for s in run.submissions:
        yield _program(run, s.row, group_of.get(s.row), allowance, s.rank, s.confidence)
    for group in groups[:_LEADERS]:
        if group.leader not in submitted:
            yield _program(run, group.leader, group, allowance)


def _program(
    run: ProblemRun,
    row: int,
    group: Group | None,
    allowance: Allowance,
    rank: int | None = None,
    confidence: float | None = None,
) -> Shown:
    facts, cpu = run.evidence.candidates[row], run.evidence.cpu_seconds
    seconds = None if cpu is None or cpu[row] != cpu[row] else float(cpu[row])
    return Shown(
        rank=rank,
        confidence=confidence,
        cluster=None if group is None else group.index,
        cluster_samples=0 if group is None else group.samples,
        samples=facts.weight,
        first_sample=facts.order,
        language=visible(facts.language)[:30],
        plans=visible(", ".join(facts.plans))[:80],
        example_verdict=run.example_verdict[row],
        verdict=run.verdict[row],
        cpu_seconds=seconds,
        source=allowance.take(facts.source, _PROGRAM),
        failed_on=run.failed_on[row] if run.failed_on else "",
    )


def _cluster(run: ProblemRun, group: Group) -> ShownCluster:
    right = sum(bool(run.right[row]) for row in group.rows)
    rank = next((s.rank for s in run.submissions if s.row in group.rows), None)
    return ShownCluster(group.index, group.samples, len(group.rows), right, rank, group.failing)


def _inputs(run: ProblemRun, groups: list[Group], allowance: Allowance) -> Iterator[ShownInput]:
    evidence: Evidence = run.evidence
    for found in deciding_inputs(evidence, groups, _INPUTS, _kept_outputs(run)):
        facts = evidence.inputs[found.column]
        text = allowance.take(facts.text, _INPUT)
        if text is None:
            return
        cells = tuple(Cell(cell.kind, visible(cell.text.strip())[:_OUTPUT]) for cell in found.cells)
        yield ShownInput(text, visible(facts.origin)[:60], facts.validity, cells)


def _kept_outputs(run: ProblemRun) -> Outputs:
    """What the search for distinguishing inputs has kept. Where it kept a digest, the output is not known."""
    searched = run.report.get("distinguishing") or {}
    texts = {facts.text[:2000]: facts.text for facts in run.evidence.inputs}
    return {
        (str(key), texts[found["text"]]): str(output)
        for found in searched.get("found", ())
        if found["text"] in texts
        for key, output in found["outputs"].items()
        if not _DIGEST.fullmatch(str(output))
    }


def _prompt(run: ProblemRun) -> tuple[str, bool]:
    """The prompt behind the first submission; of a recording that asked something else, the first one planned."""
    submissions = run.report["submissions"]
    seed = submissions[0]["seed"] if submissions else None
    first = ""
    try:
        for request in islice(planned_requests(run.problem, run.config), _REQUESTS):
            text = "\n\n".join(message["content"] for message in request.messages)
            if request.seed == seed:
                return text, True
            first = first or text
    except UserError:  # a plans file of the user's that has gone
        return "", False
    return first, False


def _tally(verdicts: list[str] | tuple[str, ...]) -> list[tuple[str, int]]:
    return sorted(Counter(verdicts).items(), key=lambda entry: (-entry[1], entry[0]))
