"""One problem's figures: all that is kept of a run once its evidence is dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clustering.policies import Scorer, survivors
from clustering.policies.scorer import name_digest
from clustering.policies.signals import weights
from eval.bench.problem_run import NO_RESULT, NOT_JUDGED, ProblemRun
from eval.calibration import Reliability
from eval.metrics.by_model import Spent, spent_by_model
from eval.metrics.draws import DRAWS, NEVER, chooser, chooses_the_same, n_at_k, submitted_rank
from eval.metrics.false_positives import FAILED, Rejudged
from sandbox import Verdict

NO_PROGRAM = "no program"
_NEVER_RAN = (Verdict.CE, Verdict.IE, NO_RESULT)


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """Counts are of samples unless the name says programs (unique ones) or submissions.

    right: samples whose program passes the hidden tests. survives: a right program is left for the choice. first_right:
    rank of the first right submission. stricter_first_right: the same when extra tests count too. solved_from: n → k →
    share of draws of n samples that are solved with k submissions. exact: the n for which this is no estimate.
    example_mix, final_mix: samples by verdict, on the examples and in the end. spent: by model, each as if alone.
    """

    name: str
    number: int
    source: str
    difficulty: str
    rating: int | None
    tags: tuple[str, ...]
    date: str
    doubtful: str
    hidden_tests: int
    policy: str
    stop_reason: str
    samples: int
    with_program: int
    programs: int
    compiled_programs: int
    passing: int
    passing_programs: int
    clusters: int
    submissions: int
    right_submissions: int
    right: int
    right_programs: int
    survives: bool
    first_right: int | None
    stricter_first_right: int | None
    extra: Rejudged | None
    chooses_the_same: bool | None
    scorer_was_trained_on_it: bool
    internal_errors: int
    passing_not_judged: int
    prompt_tokens: int
    completion_tokens: int
    executions: int
    model_seconds: float
    sandbox_cpu_seconds: float
    spent: dict[str, Spent] = field(repr=False)
    solved_from: dict[int, dict[int, float]] = field(repr=False)
    exact: frozenset[int] = field(repr=False)
    extraction: dict[str, int] = field(repr=False)
    example_mix: dict[str, int] = field(repr=False)
    final_mix: dict[str, int] = field(repr=False)
    survivors_reliability: Reliability = field(repr=False)
    submissions_reliability: Reliability = field(repr=False)

    @property
    def covered(self) -> bool:
        return self.right > 0

    def solved(self, k: int) -> bool:
        """Whether one of the first k submissions is right."""
        return self.first_right is not None and self.first_right <= k

    def solved_strictly(self, k: int) -> bool:
        """The same with extra tests, where there are any."""
        return self.stricter_first_right is not None and self.stricter_first_right <= k


def row_of(
    run: ProblemRun,
    scorer: Scorer,
    ns: Sequence[int],
    ks: Sequence[int],
    *,
    draws: int = DRAWS,
    seed: int = 0,
    extra: Rejudged | None = None,
) -> ProblemRow:
    """Raises ValueError for a record that contradicts itself."""
    choose = chooser(run, scorer)
    drawn = n_at_k(run, choose, ns, ks, draws=draws, seed=seed)
    programs = run.sample_program[run.sample_program >= 0]
    passes = run.evidence.passes
    submitted = [one.row for one in run.submissions]
    left = run.right & passes
    rank = submitted_rank(run)
    about = run.about
    return ProblemRow(
        name=run.name,
        number=about.number,
        source=about.source or run.problem.source,
        difficulty=about.difficulty or run.problem.difficulty,
        rating=about.rating,
        tags=tuple(about.tags or run.problem.tags),
        date=about.date,
        doubtful=about.doubtful,
        hidden_tests=about.hidden_tests,
        policy=run.config.policy,
        stop_reason=str(run.report.get("stop_reason", "")),
        samples=len(run.sample_program),
        with_program=len(programs),
        programs=len(run.evidence.candidates),
        compiled_programs=sum(verdict not in _NEVER_RAN for verdict in run.example_verdict),
        passing=int(passes[programs].sum()),
        passing_programs=int(passes.sum()),
        clusters=int(run.report.get("clusters", {}).get("count", 0)),
        submissions=len(submitted),
        right_submissions=int(run.right[submitted].sum()),
        right=int(run.right[programs].sum()),
        right_programs=int(run.right.sum()),
        survives=bool(left.any() or run.right[submitted].any()),
        first_right=None if rank == NEVER else rank,
        stricter_first_right=_strictly(run, extra),
        extra=extra,
        chooses_the_same=chooses_the_same(run, choose),
        scorer_was_trained_on_it=name_digest(run.name) in scorer.fold_of,
        internal_errors=sum(Verdict.IE in (a, b) for a, b in zip(run.example_verdict, run.verdict, strict=True)),
        passing_not_judged=sum(p and v == NOT_JUDGED for p, v in zip(passes, run.verdict, strict=True)),
        prompt_tokens=run.prompt_tokens,
        completion_tokens=int(run.sample_tokens.sum()),
        executions=run.executions,
        model_seconds=run.model_seconds,
        sandbox_cpu_seconds=run.sandbox_cpu_seconds,
        spent=spent_by_model(run, scorer, ks),
        solved_from=drawn.solved,
        exact=drawn.exact,
        extraction=dict(run.extraction),
        example_mix=_by_sample(run, run.example_verdict),
        final_mix=_by_sample(run, _final(run)),
        survivors_reliability=_survivors(run, scorer),
        submissions_reliability=_submissions(run),
    )


def _final(run: ProblemRun) -> list[str]:
    """The judge's verdict where there is one, else that of the examples."""
    pairs = zip(run.example_verdict, run.verdict, strict=True)
    return [seen if judged == NOT_JUDGED else judged for seen, judged in pairs]


def _by_sample(run: ProblemRun, verdicts: Sequence[str]) -> dict[str, int]:
    mix = Counter(NO_PROGRAM if row < 0 else str(verdicts[row]) for row in run.sample_program)
    return dict(sorted(mix.items()))


def _strictly(run: ProblemRun, extra: Rejudged | None) -> int | None:
    verdicts = {} if extra is None else extra.verdicts
    for one in sorted(run.submissions, key=lambda submission: submission.rank):
        key = run.evidence.candidates[one.row].key
        if run.right[one.row] and verdicts.get(key, "AC") not in FAILED:
            return one.rank
    return None


def _survivors(run: ProblemRun, scorer: Scorer) -> Reliability:
    """What passes the examples, by samples, all of a problem weighing 1; scored by the fold of the scorer that has not
    seen the problem."""
    found = Reliability()
    if run.evidence.passes.any():
        who = survivors(run.evidence)
        share = weights(run.evidence, who)
        found.add(scorer.probability(run.evidence, who), run.right[who], share / share.sum())
    return found


def _submissions(run: ProblemRun) -> Reliability:
    """As the run said it; guesses, which pass no filter, are left out. Each submission weighs 1."""
    chosen = [one for one in run.submissions if one.cluster is not None]
    found = Reliability()
    if chosen:
        said = np.array([one.confidence for one in chosen])
        found.add(said, run.right[[one.row for one in chosen]], np.ones(len(chosen)))
    return found


def plain(row: ProblemRow, ks: Sequence[int]) -> dict[str, Any]:
    """As it stands in the results: JSON types only, what the machine's load changes under `timing`."""
    extra = row.extra
    return {
        "problem": row.name,
        "number": row.number,
        "source": row.source,
        "difficulty": row.difficulty,
        "rating": row.rating,
        "tags": list(row.tags),
        "date": row.date,
        "doubtful": row.doubtful,
        "hidden_tests": row.hidden_tests,
        "stop_reason": row.stop_reason,
        "samples": row.samples,
        "with_program": row.with_program,
        "programs": row.programs,
        "compiled_programs": row.compiled_programs,
        "passing": row.passing,
        "passing_programs": row.passing_programs,
        "clusters": row.clusters,
        "submissions": row.submissions,
        "right_submissions": row.right_submissions,
        "right": row.right,
        "right_programs": row.right_programs,
        "covered": row.covered,
        "survives": row.survives,
        "first_right": row.first_right,
        "solved": {str(k): row.solved(k) for k in ks},
        "solved_from": {str(n): {str(k): v for k, v in by_k.items()} for n, by_k in row.solved_from.items()},
        "chooses_the_same": row.chooses_the_same,
        "internal_errors": row.internal_errors,
        "passing_not_judged": row.passing_not_judged,
        "extra_tests": None if extra is None else extra.plain(),
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "executions": row.executions,
        "timing": {"model_seconds": row.model_seconds, "sandbox_cpu_seconds": row.sandbox_cpu_seconds},
    }
