#!/usr/bin/env python
"""Published figures again, from the samples they were made of: CodeGen-16B on HumanEval (CodeT's release).

    scripts/reproduce_codet.py [--limit N] [--workers N] [--each]

Runs every program on the hidden tests and on the model's own, by the release's protocol (`eval.pools.published`), and
prints one JSON object: the share of problems solved by one submission, in percent, for each way to choose. The data is
read from $CODESIEVE_DATA (default ../shared/data). Exit code 2: no data.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from functools import partial
from pathlib import Path

from eval.pools import published
from sandbox import Sandbox, SandboxUnavailable
from solver.errors import UserError
from solver.formats.files import records

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CODESIEVE_DATA", ROOT.parent / "shared" / "data"))
WAYS = {
    "random (pass@1)": published.random,
    "largest output cluster": partial(published.largest, failing=True),
    "largest output cluster, all faults alike": partial(published.largest, failing=True, alike=True),
    "largest output cluster that does not fail everywhere": partial(published.largest, failing=False),
    "MBR": published.mbr,
    "CodeT": published.codet,
    "oracle": published.oracle,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, help="only the first N problems")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--each", action="store_true", help="also each problem's figures, a line a problem, to stderr")
    options = parser.parse_args()
    try:
        ran = asyncio.run(run(options.limit, options.workers))
    except (UserError, SandboxUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    solved = {name: round(100 * sum(map(way, ran)) / len(ran), 2) for name, way in WAYS.items()}
    for one in ran if options.each else []:
        print(one.name, *(f"{name}: {100 * way(one):.0f}" for name, way in WAYS.items()), sep=", ", file=sys.stderr)
    programs = sum(len(one.copies) for one in ran)
    print(json.dumps({"problems": len(ran), "programs": programs, "solved_percent": solved}))
    return 0


async def run(limit: int | None, workers: int | None) -> list[published.Ran]:
    tests = {record["task_id"]: record["test"] for record in records(DATA / "problems" / "humaneval.jsonl.gz")}
    pool = list(records(DATA / "samples" / "humaneval_codegen16b_even.jsonl.gz"))[:limit]
    found = []
    async with Sandbox(workers) as sandbox:
        for number, record in enumerate(pool, 1):
            found.append(await published.run_problem(record, tests[record["task_id"]], sandbox))
            print(f"{number}/{len(pool)} {record['task_id']}", file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main())
