"""From raw results to `Evidence`: once with the examples as a filter, once without any knowledge of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clustering.evidence import FAULT_IDS, FIRST_OUTPUT, MISSING, CandidateFacts, Evidence, InputFacts, TestFacts
from eval.pools.execute import FULL_OUTPUT_CHARS, Executed, Unique
from eval.pools.model import PoolProblem
from eval.pools.store import Labelled

_FAULTS = {str(verdict): number for verdict, number in FAULT_IDS.items()}


def labelled(pool: PoolProblem, done: Executed) -> Labelled:
    """The problem's evidence, and the hidden verdicts apart from it."""
    candidates = [_facts(program) for program in done.programs]
    return Labelled(
        plain=_evidence(pool, done, candidates, use_examples=False),
        with_examples=_evidence(pool, done, candidates, use_examples=True),
        right=np.array(done.right, dtype=bool),
        recorded=tuple(
            (sum(s.recorded is True for s in p.samples), sum(s.recorded is False for s in p.samples))
            for p in done.programs
        ),
        samples=len(pool.samples),
        runs=done.runs,
        seconds=done.seconds,
    )


def _facts(program: Unique) -> CandidateFacts:
    logprobs = [sample.mean_logprob for sample in program.samples if sample.mean_logprob is not None]
    return CandidateFacts(
        key=program.key,
        order=program.order,
        weight=len(program.samples),
        source=program.source,
        language=program.language,
        mean_logprob=max(logprobs, default=None),
        plans=tuple(sorted({sample.plan for sample in program.samples if sample.plan})),
    )


def _evidence(
    pool: PoolProblem, done: Executed, candidates: Sequence[CandidateFacts], *, use_examples: bool
) -> Evidence:
    n = len(candidates)
    # Without examples their inputs are not known either, and generated ones were made from them.
    generated = any(item.kind == "generated" for item in done.inputs) and (use_examples or not pool.problem.examples)
    kinds = ("model_test", "generated" if generated else "signature")
    seen = [index for index, item in enumerate(done.inputs) if item.kind in kinds]
    # Of contest programs without examples nothing else is known to run them on.
    seen = seen or [index for index, item in enumerate(done.inputs) if item.kind == "generated"]
    outcomes, outputs = _matrix([[row[index] for index in seen] for row in done.tokens], n, len(seen))
    tested = [index for index, item in enumerate(done.inputs) if item.kind == "model_test"]
    share = np.array([np.mean(row) if row else 1.0 for row in done.example_passed], dtype=float).reshape(n)
    passes = share >= 1.0
    return Evidence(
        problem=pool.name,
        candidates=candidates,
        passes=passes if use_examples else np.ones(n, dtype=bool),
        example_share=share if use_examples else np.ones(n),
        outcomes=outcomes,
        inputs=[InputFacts(done.inputs[index].text, done.inputs[index].origin) for index in seen],
        tests=_tests(done, tested, n) if tested else None,
        test_facts=[
            TestFacts(done.inputs[index].text, done.inputs[index].expected or "", done.inputs[index].copies)
            for index in tested
        ],
        outputs=outputs,
        cpu_seconds=np.array(done.cpu_seconds, dtype=float).reshape(n),
        statement=pool.problem.statement,
    )


def _tests(done: Executed, tested: Sequence[int], n: int) -> NDArray[np.int8]:
    rows = [[row[index] == f"={done.inputs[index].expected}" for index in tested] for row in done.tokens]
    return np.array(rows, dtype=np.int8).reshape(n, len(tested))


def _matrix(tokens: list[list[str]], n: int, width: int) -> tuple[NDArray[np.int32], list[dict[int, str]]]:
    """Value ids by column, numbered by first appearance, and the outputs' texts, cut."""
    outcomes = np.full((n, width), MISSING, dtype=np.int32)
    outputs: list[dict[int, str]] = []
    for column in range(width):
        ids: dict[str, int] = {}
        for row in range(n):
            token = tokens[row][column]
            if token.startswith("="):
                outcomes[row, column] = ids.setdefault(token, FIRST_OUTPUT + len(ids))
            elif token != "IE":
                outcomes[row, column] = _FAULTS.get(token, _FAULTS["RTE"])
        outputs.append({number: token[1 : 1 + FULL_OUTPUT_CHARS] for token, number in ids.items()})
    return outcomes, outputs
