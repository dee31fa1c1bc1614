"""`ProblemRun`s out of thin air: what a run and its judge would have recorded, from one line a program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clustering.evidence import FIRST_OUTPUT, CandidateFacts, Evidence, InputFacts
from clustering.policies import rank
from clustering.policies.scorer import SETTINGS, Regression, Scorer
from eval.bench.problem_run import NOT_JUDGED, ProblemRun, Submitted
from eval.bench.verdicts import JudgedProblem
from solver.config import RunConfig
from solver.problem import Problem

SCORER = Scorer(("agreement",), dict.fromkeys(SETTINGS, Regression((6.0,), (0.0,), (1.0,), -3.0)))


@dataclass(frozen=True)
class Made:
    """A unique program. answers: its outputs on the generated inputs; equal numbers are equal outputs."""

    answers: tuple[int, ...] = (0,)
    right: bool = False
    passes: bool = True
    seen: str = ""
    judged: str = ""


def make_run(
    name: str = "p",
    programs: list[Made] | None = None,
    samples: list[int] | None = None,
    *,
    k: int = 10,
    policy: str = "largest",
    opinions: dict[int, float] | None = None,
    **about: object,
) -> ProblemRun:
    """samples: per sample the number of its program, -1 for none; by default each program once. Programs are numbered
    by their first samples, and the submissions are what the policy chooses, as in a run."""
    made = programs if programs is not None else [Made(right=True)]
    drawn = samples if samples is not None else list(range(len(made)))
    arrived = list(dict.fromkeys(number for number in drawn if number >= 0))
    kept = [made[number] for number in arrived]
    sample_program = np.array([arrived.index(n) if n >= 0 else -1 for n in drawn], dtype=np.intp)
    keys = [f"{name}/{number}" for number in arrived]
    width = len(made[0].answers) if made else 1
    passes = np.array([one.passes for one in kept], dtype=bool)
    evidence = Evidence(
        problem=name,
        candidates=[
            CandidateFacts(key, drawn.index(number), drawn.count(number), source=f"print({number})")
            for key, number in zip(keys, arrived, strict=True)
        ],
        passes=passes,
        example_share=passes.astype(float),
        outcomes=np.array(
            [[FIRST_OUTPUT + a if one.passes else -1 for a in one.answers] for one in kept], dtype=np.int32
        ).reshape(len(kept), width),
        inputs=[InputFacts(str(column), "structure:small") for column in range(width)],
    )
    verdict = tuple(_verdict(one) for one in kept)
    config = RunConfig(submissions=k, policy="largest", samples=max(len(drawn), 1)).model_copy(
        update={"policy": policy}
    )
    said = {f"{name}/{number}": score for number, score in (opinions or {}).items()}
    right = np.array([one == "AC" for one in verdict], dtype=bool)
    return ProblemRun(
        about=JudgedProblem(name=name, number=1, directory=name, **{"hidden_tests": 3, **about}),
        directory=Path(name),
        problem=Problem(name=name, statement="Print a number."),
        config=config,
        report={
            "stop_reason": "samples",
            "clusters": {"count": len({row.tobytes() for row in evidence.outcomes[passes]})},
            "opinions": [{"program": key, "judge": s, "tournament": s, "cluster": 0} for key, s in said.items()],
        },
        evidence=evidence,
        sample_program=sample_program,
        sample_tokens=np.full(len(drawn), 10, dtype=np.int64),
        sample_plan=("direct",) * len(drawn),
        sample_model=("a-model",) * len(drawn),
        sample_temperature=np.full(len(drawn), 0.8),
        example_runs=np.ones(len(kept), dtype=np.intp),
        extraction={"ok": sum(n >= 0 for n in drawn), "no code": sum(n < 0 for n in drawn)},
        prompt_tokens=100,
        model_seconds=2.0,
        executions=4 * len(kept),
        sandbox_cpu_seconds=0.5,
        example_verdict=tuple(one.seen or ("AC" if one.passes else "WA") for one in kept),
        verdict=verdict,
        right=right,
        submissions=_submitted(evidence, policy, k, said),
    )


def _verdict(one: Made) -> str:
    if one.judged:
        return one.judged
    return "AC" if one.right else ("WA" if one.passes else NOT_JUDGED)


def _submitted(evidence: Evidence, policy: str, k: int, said: dict[str, float]) -> tuple[Submitted, ...]:
    from clustering.policies import rank_by_opinion

    if not evidence.passes.any():
        return tuple(Submitted(place, row, 0.0, None) for place, row in enumerate(range(len(evidence.passes))[:k], 1))
    opinionated = policy in ("judge", "tournament")
    chosen = rank_by_opinion(evidence, said, k, SCORER) if opinionated else rank(evidence, policy, k, 0, SCORER)
    row_of = {candidate.key: row for row, candidate in enumerate(evidence.candidates)}
    return tuple(Submitted(place, row_of[c.key], c.confidence, c.cluster) for place, c in enumerate(chosen, 1))
