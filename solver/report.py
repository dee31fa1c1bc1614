"""The report of a run, made from its store alone: everything outside `timing` and `machine` is the same
whether the run was disturbed or not."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from clustering.validity import input_worths, worth_by_origin
from sandbox import Verdict
from solver.cascade_report import cascade_report
from solver.choice import Answer, Submission
from solver.config import RunConfig
from solver.judging import stored_scores
from solver.problem import Problem
from solver.run_evidence import run_evidence
from solver.separate import separations
from solver.store import Store

REPORT_FORMAT = "codesieve-report/1"
_CLUSTERS_SHOWN = 20


def make_report(
    problem: Problem,
    config: RunConfig,
    store: Store,
    answer: Answer,
    files: list[Path],
    *,
    settled: int,
    stop_reason: str,
    detail: str | None,
) -> dict[str, Any]:
    counts = _counts(store, settled)
    solved = any(s.passes_examples for s in answer.submissions)
    return {
        "format": REPORT_FORMAT,
        "problem": problem.name,
        "passes_examples": solved,
        "stop_reason": stop_reason,
        "why": None if solved else _why(counts, stop_reason),
        "detail": detail,
        "counts": counts,
        "tokens": _tokens(store, settled),
        "sampler": {"kind": config.sampler, "model": _models(store, settled), "seed": config.seed},
        "policy": config.policy,
        "clusters": {
            "count": len(answer.clusters),
            "largest": [
                {"index": group.index, "samples": group.weight, "programs": len(group.members)}
                for group in answer.clusters[:_CLUSTERS_SHOWN]
            ],
        },
        **_cascade(config, store, settled),
        "distinguishing": separations(store),
        "opinions": _opinions(answer, store),
        "input_worth": _input_worth(store, problem, settled),
        "submissions": [
            _submission(submission, path, store) for submission, path in zip(answer.submissions, files, strict=True)
        ],
    }


def _cascade(config: RunConfig, store: Store, settled: int) -> dict[str, Any]:
    levels = cascade_report(config, store, settled)
    return {} if levels is None else {"cascade": levels}


def _counts(store: Store, settled: int) -> dict[str, Any]:
    samples, without_program, unique = store.query(
        "SELECT count(*), count(*) - count(program), count(DISTINCT program) FROM sample_rows WHERE idx < ?",
        settled,
    )[0]
    extraction = dict(
        store.query("SELECT extraction, count(*) FROM sample_rows WHERE idx < ? GROUP BY extraction", settled)
    )
    verdicts = dict(
        store.query(
            "SELECT verdict, count(*) FROM ("
            "  SELECT coalesce(min(CASE WHEN e.verdict != 'AC' THEN e.verdict END), 'AC') AS verdict"
            "  FROM execution_rows e JOIN inputs i ON i.id = e.input AND i.kind = 'example' WHERE e.program < ?"
            "  GROUP BY e.program) GROUP BY verdict ORDER BY verdict",
            settled,
        )
    )
    executions, twice = store.query(
        "SELECT count(*), coalesce(sum(runs > 1), 0) FROM execution_rows WHERE program < ?",
        settled,
    )[0]
    passing_samples = store.query(
        "SELECT count(*) FROM sample_rows s JOIN cluster_rows c ON c.program = s.program WHERE s.idx < ?", settled
    )[0][0]
    with_program = samples - without_program
    return {
        "samples": samples,
        "extraction": extraction,
        "unique": unique,
        "duplicate_rate": round(1 - unique / with_program, 4) if with_program else 0.0,
        "compiled": sum(verdicts.values()) - verdicts.get(Verdict.CE, 0) - verdicts.get(Verdict.IE, 0),
        "passing": verdicts.get(Verdict.AC, 0),
        "passing_samples": passing_samples,
        "verdicts": verdicts,
        "executions": executions,
        "executed_twice": twice,
        "examples": store.query("SELECT count(*) FROM inputs WHERE kind = 'example'")[0][0],
        "generated_inputs": store.query("SELECT count(*) FROM inputs WHERE kind = 'generated'")[0][0],
    }


def _opinions(answer: Answer, store: Store) -> list[dict[str, Any]]:
    """What the model thinks of the leading clusters; empty when it was not asked."""
    judged, compared = stored_scores(store, "judge"), stored_scores(store, "tournament")
    return [
        {"cluster": group.index, "program": key, "judge": judged[key], "tournament": compared[key]}
        for group in answer.clusters
        for key in group.keys
        if key in judged and key in compared
    ]


def _input_worth(store: Store, problem: Problem, settled: int) -> list[dict[str, Any]]:
    """By origin: how much its inputs split the samples that pass, in bits, and how valid they look."""
    worths = input_worths(run_evidence(store, problem.name, settled, everyone=False))
    return [
        {k: v if isinstance(v, (str, int)) else round(v, 4) for k, v in asdict(row).items()}
        for row in worth_by_origin(worths)
    ]


def _tokens(store: Store, settled: int) -> dict[str, int]:
    completion = store.query("SELECT coalesce(sum(completion_tokens), 0) FROM sample_rows WHERE idx < ?", settled)
    prompt = store.query(
        "SELECT coalesce(sum(tokens), 0) FROM (SELECT max(prompt_tokens) AS tokens FROM sample_rows "
        "WHERE idx < ? GROUP BY request)",
        settled,
    )
    return {"prompt": prompt[0][0], "completion": completion[0][0]}


def _models(store: Store, settled: int) -> list[str]:
    return [
        name for (name,) in store.query("SELECT DISTINCT model FROM sample_rows WHERE idx < ? ORDER BY model", settled)
    ]


def _submission(submission: Submission, path: Path, store: Store) -> dict[str, Any]:
    program = store.program(submission.program)
    model, plan, temperature, seed, tokens, logprob = store.query(
        "SELECT model, plan, temperature, seed, completion_tokens, mean_logprob FROM sample_rows WHERE idx = ?",
        program.first_sample,
    )[0]
    return {
        "rank": submission.rank,
        "file": f"submissions/{path.name}",
        "language": program.language,
        "program": program.key,
        "passes_examples": submission.passes_examples,
        "examples_passed": submission.examples_passed,
        "cluster": submission.cluster,
        "cluster_size": submission.cluster_size,
        "confidence": round(submission.confidence, 6),
        "sample": program.first_sample,
        "model": model,
        "plan": plan,
        "temperature": temperature,
        "seed": seed,
        "completion_tokens": tokens,
        "mean_logprob": logprob,
        "source": program.source,
    }


def _why(counts: dict[str, Any], stop_reason: str) -> str:
    """Why no submission passes the examples, in one line."""
    if not counts["samples"]:
        return f"no sample was drawn before the run ended ({stop_reason})"
    if not counts["compiled"]:
        dropped = {**counts["extraction"], **counts["verdicts"]}
        found = ", ".join(f"{n} {what}" for what, n in dropped.items() if what != "ok")
        return f"none of {counts['samples']} answers held a program that compiles ({found})"
    faults = ", ".join(f"{n} {verdict}" for verdict, n in counts["verdicts"].items())
    return f"none of {counts['unique']} programs passed the examples ({faults}); the run ended by: {stop_reason}"


def render(report: dict[str, Any], console: Console) -> None:
    """Table of submissions, the counts and the best program."""
    console.print(_summary(report))
    if report["submissions"]:
        best = report["submissions"][0]
        console.print(Text(f"\n{best['file']}", style="bold"))
        if console.is_terminal:
            console.print(Syntax(best["source"], best["language"], background_color="default", word_wrap=True))
        else:
            console.print(Text(best["source"]), soft_wrap=True)


def _summary(report: dict[str, Any]) -> RenderableType:
    counts = report["counts"]
    parts: list[RenderableType] = [
        Text(f"{report['problem']}", style="bold"),
        Text(
            f"{counts['samples']} samples → {counts['unique']} unique → {counts['compiled']} compiled → "
            f"{counts['passing']} passing → {report['clusters']['count']} clusters → "
            f"{len(report['submissions'])} submissions   (ended by: {report['stop_reason']}; "
            f"duplicates {counts['duplicate_rate']:.0%}; {counts['executions']} executions; "
            f"{report['tokens']['completion']} tokens)"
        ),
    ]
    if report["why"]:
        parts.append(Text(f"No submission passes the examples: {report['why']}", style="yellow"))
    if report["detail"]:
        parts.append(Text(report["detail"], style="yellow"))
    if report["submissions"]:
        parts.append(_table(report))
    return Group(*parts)


def _table(report: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="dim")
    for heading in ("#", "examples", "cluster", "size", "confidence", "lang", "plan", "temp", "file"):
        table.add_column(heading)
    total = report["counts"]["examples"]
    for s in report["submissions"]:
        table.add_row(
            str(s["rank"]),
            f"{s['examples_passed']}/{total}",
            "-" if s["cluster"] is None else str(s["cluster"]),
            str(s["cluster_size"]),
            f"{s['confidence']:.2f}",
            s["language"],
            s["plan"],
            f"{s['temperature']:.2f}",
            s["file"],
        )
    return table
