#!/usr/bin/env python
"""How good generated inputs are, on public problems whose reference solutions are known.

    scripts/bench_inputs.py [--only humaneval,signatures,apps,contests] [--count N] [--limit N] [--list]

humaneval: calls made from the docstring's examples, run with the canonical solution; one on which it raises or runs
out of time is hardly valid. signatures: the same without the examples. apps: inputs made from the statement's examples,
run with up to three reference solutions; one is suspect when most of them fail or differ. contests: CodeContests
problems, without references: how many get inputs that keep a layout. One JSON object on stdout; `--list` shows every
problem on stderr. References are read here only: input generation never sees them. Exit code 2: no data.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clustering import GeneratedInput, generate_inputs
from eval.pools.python_calls import call_python
from sandbox import Limits, Program, Sandbox, SandboxUnavailable, Verdict
from solver.errors import UserError
from solver.formats import apps, codecontests, humaneval
from solver.formats.fields import BadRecord, Record, embedded_json
from solver.formats.files import records
from solver.problem import Problem

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CODESIEVE_DATA", ROOT.parent / "shared" / "data")) / "problems"
ENOUGH = 20
REFERENCES = 3
LIMITS = Limits(cpu_seconds=2.0, memory_bytes=512 * 2**20)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="humaneval,signatures,apps,contests")
    parser.add_argument("--count", type=int, default=ENOUGH)
    parser.add_argument("--limit", type=int, default=1000, help="problems of each set")
    parser.add_argument("--list", action="store_true", dest="listing")
    options = parser.parse_args()
    try:
        report = asyncio.run(measure(options))
    except (UserError, SandboxUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report))
    return 0


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    report: dict[str, Any] = {}
    async with Sandbox() as sandbox:
        for name in options.only.split(","):
            rows = await SETS[name](options, sandbox)
            if options.listing:
                for row in rows:
                    print(name, json.dumps(row), file=sys.stderr)
            report[name] = summary(rows, options.count)
    return report


def summary(rows: Sequence[dict[str, Any]], count: int) -> dict[str, Any]:
    """Shares over problems, and over all inputs of all problems."""
    made = sum(row["inputs"] for row in rows)
    origins: Counter[str] = Counter()
    for row in rows:
        origins.update(row["origins"])
    found = {
        "problems": len(rows),
        "with_enough": sum(row["inputs"] >= count for row in rows),
        "with_none": sum(row["inputs"] == 0 for row in rows),
        "inputs": made,
        "kept_structure": sum(row["inputs"] > 0 and "tokens" not in row["origins"] for row in rows),
        "origins": dict(origins.most_common()),
    }
    judged = [row for row in rows if "survived" in row and row["inputs"]]
    if judged:
        shares = [row["survived"] / row["inputs"] for row in judged]
        found["survived"] = round(sum(row["survived"] for row in judged) / sum(row["inputs"] for row in judged), 4)
        found["problems_with_90_percent_surviving"] = sum(share >= 0.9 for share in shares)
        found["with_enough_valid"] = sum(row["survived"] >= 0.9 * count for row in judged)
        found["distinct_outputs_mean"] = round(sum(row["distinct"] for row in judged) / len(judged), 2)
    return found


def _row(name: str, made: Sequence[GeneratedInput]) -> dict[str, Any]:
    origins = Counter(item.origin.partition(":")[0] for item in made)
    return {"problem": name, "inputs": len(made), "origins": dict(origins)}


def _generate(problem: Problem, count: int) -> list[GeneratedInput]:
    return generate_inputs(
        [example.input for example in problem.examples],
        mode=problem.mode,
        statement=problem.statement,
        count=count,
        starter_code=problem.starter_code,
        entry_point=problem.entry_point,
    )


async def signature_rows(options: argparse.Namespace, sandbox: Sandbox) -> list[dict[str, Any]]:
    return await humaneval_rows(options, sandbox, examples=False)


async def humaneval_rows(
    options: argparse.Namespace, sandbox: Sandbox, *, examples: bool = True
) -> list[dict[str, Any]]:
    async def one(record: Record) -> dict[str, Any]:
        problem = humaneval.convert(record)
        problem = problem if examples else problem.model_copy(update={"examples": []})
        made = _generate(problem, options.count)
        row = _row(problem.name, made)
        source = str(record["prompt"]) + str(record["canonical_solution"])
        calls = await call_python(source, problem.entry_point, [item.text for item in made], sandbox)
        row["survived"] = sum(result.startswith("=") for result in calls.results)
        row["distinct"] = len({result for result in calls.results if result.startswith("=")})
        row["failed"] = [made[i].text[:80] for i, r in enumerate(calls.results) if not r.startswith("=")][:4]
        row["fault"] = [r for r in calls.results if not r.startswith("=")][:1]
        return row

    return await asyncio.gather(*map(one, list(records(DATA / "humaneval.jsonl.gz"))[: options.limit]))


async def apps_rows(options: argparse.Namespace, sandbox: Sandbox) -> list[dict[str, Any]]:
    shown = json.loads((DATA / "apps_train_sample_examples.json").read_text())

    async def one(record: Record) -> dict[str, Any] | None:
        try:
            problem = apps.convert(record)
        except BadRecord:
            return None
        examples = shown.get(str(record["problem_id"]), {}).get("inputs", [])
        if problem.mode == "function":
            return None
        made = generate_inputs(examples, mode="stdio", statement=problem.statement, count=options.count)
        row = _row(problem.name, made)
        programs = [Program("python", str(s)) for s in (embedded_json(record, "solutions") or [])]
        programs = await working(programs, examples, sandbox)
        if not programs:
            return row
        survived, outputs, failed = 0, set(), []
        for item in made:
            outcomes = [await sandbox.run(p, item.text.encode(), LIMITS) for p in programs]
            said = [" ".join(o.output.decode("utf-8", "replace").split()) for o in outcomes if o.verdict is Verdict.OK]
            agreed = Counter(said).most_common(1)
            if agreed and agreed[0][1] * 2 > len(programs):
                survived += 1
                outputs.add(agreed[0][0])
            else:
                failed.append([item.origin, item.text[:120], [str(o.verdict) for o in outcomes]])
        row |= {"survived": survived, "distinct": len(outputs), "references": len(programs), "failed": failed[:3]}
        return row

    found = await asyncio.gather(*map(one, list(records(DATA / "apps_train_sample.jsonl.gz"))[: options.limit]))
    return [row for row in found if row is not None]


async def working(programs: Sequence[Program], examples: Sequence[str], sandbox: Sandbox) -> list[Program]:
    """The first few references that run on all examples: some are no valid programs at all."""
    kept: list[Program] = []
    for program in programs:
        outcomes = [await sandbox.run(program, example.encode(), LIMITS) for example in examples[:2]]
        if all(outcome.verdict is Verdict.OK for outcome in outcomes):
            kept.append(program)
        if len(kept) == REFERENCES:
            break
    return kept


async def contests_rows(options: argparse.Namespace, sandbox: Sandbox) -> list[dict[str, Any]]:
    rows = []
    for file in ("code_contests_test.jsonl.gz", "code_contests_train_sample.jsonl.gz"):
        for record in list(records(DATA / file))[: options.limit]:
            problem = codecontests.convert(record)
            rows.append(_row(problem.name, _generate(problem, options.count)))
    return rows


SETS = {"humaneval": humaneval_rows, "signatures": signature_rows, "apps": apps_rows, "contests": contests_rows}


if __name__ == "__main__":
    sys.exit(main())
