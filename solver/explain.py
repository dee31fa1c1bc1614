"""`solve explain`: a finished run's clusters, the input that tells the two largest apart, and the order of the choice.

The store keeps digests of outputs, so the two leading programs are run once more, confined as ever, on that one input.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from clustering import Cluster, cluster
from clustering.behaviour import FAULTS
from clustering.merging import several_answers
from clustering.policies.signals import survivors as surviving_rows
from sandbox import Sandbox, Verdict
from solver.choice import choice_evidence, survivors
from solver.config import RunConfig
from solver.problem import Problem
from solver.rundir import RunDirectory
from solver.store import RunInput, Store, StoredProgram

_SHOWN_CLUSTERS = 10
_SHOWN_CHARS = 400


@dataclass(frozen=True, slots=True)
class Separation:
    """The shortest input on which two clusters differ, one where both give an output if there is any.

    separating: how many of `inputs` tell them apart. said: what the earliest program of each prints there, or its
    verdict.
    """

    clusters: tuple[int, int]
    origin: str
    text: str
    said: tuple[str, str]
    separating: int
    inputs: int


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--unsafe-no-isolation", is_flag=True, help="Run even where programs cannot be confined.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def explain(run_path: Path, unsafe_no_isolation: bool, as_json: bool) -> None:
    """Show how a run came to its answer: clusters, what tells the largest apart, and the choice."""
    directory, problem, config = RunDirectory.open(run_path)
    report = directory.read_report()
    settled = int(report["counts"]["samples"])
    with Store(directory.store_path) as store:
        clusters = cluster(survivors(store, settled))
        found = asyncio.run(_separations(problem, config, store, clusters, unsafe_no_isolation))
        evidence = choice_evidence(store, settled, problem.name, problem.statement)
        doubt = several_answers(evidence, surviving_rows(evidence))
    explanation = {
        "problem": problem.name,
        "policy": report["policy"],
        "several_answers_said": doubt.said,
        "clusters": [
            {"index": c.index, "samples": c.weight, "programs": len(c.members), "earliest": c.members[0].key}
            for c in clusters[:_SHOWN_CLUSTERS]
        ],
        "cluster_count": len(clusters),
        "separations": [asdict(one) for one in found],
        "choice": [
            {k: s[k] for k in ("rank", "cluster", "cluster_size", "confidence", "file", "passes_examples")}
            for s in report["submissions"]
        ],
    }
    print(json.dumps(explanation)) if as_json else _show(explanation, Console())


async def _separations(
    problem: Problem, config: RunConfig, store: Store, clusters: list[Cluster], allow_unsafe: bool
) -> list[Separation]:
    """Between the largest and the second, and so on down to the third."""
    found = []
    async with Sandbox(1, allow_unsafe=allow_unsafe) as sandbox:
        for one, other in pairwise(clusters[:3]):
            leaders = [store.program(c.members[0].key) for c in (one, other)]
            inputs = [i for i in store.inputs() if i.kind in ("generated", "distinguishing")]
            rows = [store.behaviour(leader.key) for leader in leaders]
            differing = [(i, FAULTS & {a, b}) for i, a, b in zip(inputs, *rows, strict=True) if a != b]
            if not differing:
                continue
            best, _ = min(differing, key=lambda pair: (bool(pair[1]), len(pair[0].text), pair[0].id))
            said = [await _said(problem, config, leader, best, sandbox) for leader in leaders]
            pair, texts = (one.index, other.index), (said[0], said[1])
            found.append(Separation(pair, best.origin, best.text, texts, len(differing), len(inputs)))
    return found


async def _said(problem: Problem, config: RunConfig, stored: StoredProgram, given: RunInput, sandbox: Sandbox) -> str:
    program = problem.program(stored.language, stored.source)
    data = given.text.encode("utf-8", "surrogatepass")
    outcome = await sandbox.run(program, data, problem.limits(config.time_factor))
    if outcome.verdict is not Verdict.OK:
        return str(outcome.verdict)
    return outcome.output.decode("utf-8", "replace")[:_SHOWN_CHARS]


def _show(explanation: dict[str, Any], console: Console) -> None:
    console.print(Text(f"{explanation['problem']}: {explanation['cluster_count']} clusters", style="bold"))
    if not explanation["clusters"]:
        console.print("No program passes the examples; what is submitted are guesses.")
    rank_of: dict[int, list[str]] = {}
    for submission in explanation["choice"]:
        if submission["cluster"] is not None:
            rank_of.setdefault(submission["cluster"], []).append(str(submission["rank"]))
    table = Table(box=None, header_style="dim")
    for heading in ("cluster", "samples", "programs", "submitted as"):
        table.add_column(heading, justify="right")
    for row in explanation["clusters"]:
        places = ", ".join(rank_of.get(row["index"], [])) or "-"
        table.add_row(str(row["index"]), str(row["samples"]), str(row["programs"]), places)
    console.print(table)
    for one in explanation["separations"]:
        a, b = one["clusters"]
        console.print(
            f"\nClusters {a} and {b} differ on {one['separating']} of {one['inputs']} inputs; "
            f"the shortest ({one['origin']}):"
        )
        for title, text in (("input", one["text"]), (f"cluster {a}", one["said"][0]), (f"cluster {b}", one["said"][1])):
            console.print(Text(f"{title}:", style="dim"))
            console.print(Text(_cut(text)), soft_wrap=True)
    if explanation["several_answers_said"]:
        console.print("\nThe statement allows several answers: right programs may lie in different clusters.")
    console.print(Text(f"\nChoice by policy {explanation['policy']}:", style="dim"))
    for s in explanation["choice"]:
        where = "a guess" if s["cluster"] is None else f"cluster {s['cluster']} ({s['cluster_size']} samples)"
        console.print(f"{s['rank']:2d}. {where}, P(correct) {s['confidence']:.2f}, {s['file']}", highlight=False)


def _cut(text: str) -> str:
    text = text.rstrip("\n")
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]} … ({len(text)} characters)"
