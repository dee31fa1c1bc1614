"""A run's store as the evidence that selection policies read."""

from __future__ import annotations

import numpy as np

from clustering.evidence import MISSING, CandidateFacts, Evidence, InputFacts, TestFacts
from clustering.matrix import BehaviourMatrix
from sandbox import Verdict
from solver.store import Store


def run_evidence(store: Store, problem: str, settled: int, statement: str = "", *, everyone: bool = True) -> Evidence:
    """settled: how many samples, in arrival order, count. Candidates are in the order of their first samples; those
    that fail an example have no outcomes on generated inputs. everyone: whether those are listed, or only counted,
    which a choice does not notice and a million of them need no memory for.
    """
    inputs = store.inputs()
    columns = {i.id: n for n, i in enumerate(i for i in inputs if i.kind in ("generated", "distinguishing"))}
    examples = {i.id for i in inputs if i.kind == "example"}
    everyone = everyone or not examples
    listed = "SELECT first_sample FROM programs" if everyone else _passing(len(examples))
    candidates = [
        CandidateFacts(
            key=key,
            order=order,
            weight=weight,
            source=(program := store.program(key)).source,
            language=program.language,
            mean_logprob=logprob,
            plans=tuple(sorted(plans.split(","))),
        )
        for key, order, weight, logprob, plans in store.query(
            "SELECT p.key, min(s.idx), count(*), max(s.mean_logprob), group_concat(DISTINCT s.plan) FROM sample_rows s "
            f"JOIN programs p ON p.first_sample = s.program WHERE s.idx < ? AND s.program IN ({listed}) "
            "GROUP BY s.program ORDER BY min(s.idx)",
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
    for key, input_id, verdict, token, seconds in store.rows(
        "SELECT p.key, e.input, e.verdict, e.behaviour, e.cpu_seconds FROM execution_rows e "
        f"JOIN programs p ON p.first_sample = e.program WHERE e.program IN ({listed}) ORDER BY p.key, e.input"
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
    plans = store.query("SELECT DISTINCT plan FROM sample_rows WHERE idx < ? AND program IS NOT NULL", settled)
    (unique,) = store.query("SELECT count(*) FROM programs WHERE first_sample < ?", settled)[0]
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
        unlisted=unique - n,
        unlisted_plans=frozenset(part for (plan,) in plans for part in plan.split(",")),
    )


def _passing(examples: int) -> str:
    """A statement for the programs that pass all examples, which are the first inputs."""
    return (
        f"SELECT program FROM execution_rows WHERE input < {examples} AND verdict = 'AC' "
        f"GROUP BY program HAVING count(*) = {examples}"
    )
