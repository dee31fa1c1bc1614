"""A run's store as the evidence that selection policies read."""

from __future__ import annotations

import numpy as np

from clustering.evidence import MISSING, CandidateFacts, Evidence, InputFacts, TestFacts
from clustering.matrix import BehaviourMatrix
from sandbox import Verdict
from solver.store import Store


def run_evidence(store: Store, problem: str, settled: int, statement: str = "") -> Evidence:
    """settled: how many samples, in arrival order, count. Candidates are in the order of their first samples; those
    that fail an example have no outcomes on generated inputs."""
    inputs = store.inputs()
    columns = {i.id: n for n, i in enumerate(i for i in inputs if i.kind in ("generated", "distinguishing"))}
    examples = {i.id for i in inputs if i.kind == "example"}
    candidates = [
        CandidateFacts(
            key=key,
            order=order,
            weight=weight,
            source=store.program(key).source,
            language=store.program(key).language,
            mean_logprob=logprob,
            plans=tuple(sorted(plans.split(","))),
        )
        for key, order, weight, logprob, plans in store.query(
            "SELECT program, min(idx), count(*), max(mean_logprob), group_concat(DISTINCT plan) FROM samples "
            "WHERE idx < ? AND program IS NOT NULL GROUP BY program ORDER BY min(idx)",
            settled,
        )
    ]
    row_of = {candidate.key: row for row, candidate in enumerate(candidates)}
    n = len(candidates)
    matrix = BehaviourMatrix(len(columns))
    for candidate in candidates:
        matrix.observe(candidate.key, 0, [])
    passed = np.zeros(n)
    cpu_seconds = np.full(n, np.nan)
    for key, input_id, verdict, token, seconds in store.query(
        "SELECT program, input, verdict, behaviour, cpu_seconds FROM executions ORDER BY program, input"
    ):
        row = row_of.get(key)
        if row is None:
            continue
        cpu_seconds[row] = np.fmax(cpu_seconds[row], seconds)
        if input_id in examples:
            passed[row] += verdict == Verdict.AC
        elif input_id in columns:
            matrix.observe(key, columns[input_id], [token])
    facts = [i for i in inputs if i.id in columns]
    claims = store.claims()
    tests = np.full((n, len(claims)), MISSING, dtype=np.int8)
    for test, claim in enumerate(claims):
        column = columns[claim.input]
        seen = matrix.outcomes[:, column]
        tests[seen != MISSING, test] = 0
        tests[(seen != MISSING) & (seen == matrix.value(column, claim.behaviour)), test] = 1
    share = passed / len(examples) if examples else np.ones(n)
    return Evidence(
        problem=problem,
        candidates=candidates,
        passes=share == 1.0,
        example_share=share,
        outcomes=matrix.outcomes,
        inputs=[InputFacts(i.text, i.origin, i.validity) for i in facts],
        tests=tests if claims else None,
        test_facts=[TestFacts(facts[columns[c.input]].text, c.expected, c.copies) for c in claims],
        cpu_seconds=cpu_seconds,
        statement=statement,
    )
