#!/usr/bin/env python
"""Run the reference solutions of public data sets in the sandbox, twice, and compare the two verdict tables.

    scripts/check_references.py [--only apps,mbpp_plus] [--workers N]

Prints a line per problem whose reference fails, and last one JSON object with the shares. The data is read from
$CODESIEVE_DATA (default ../shared/data). Exit code 0: both tables are the same; 1: they differ; 2: no data.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from eval.references import DATA_SETS, Row, judge_all
from sandbox import Sandbox, SandboxUnavailable
from solver.errors import UserError
from solver.formats.files import records

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("CODESIEVE_DATA", ROOT.parent / "shared" / "data")) / "problems"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some of: {','.join(DATA_SETS)}")
    parser.add_argument("--workers", type=int)
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(DATA_SETS)
    if unknown := [name for name in names if name not in DATA_SETS]:
        parser.error(f"unknown data set {unknown[0]!r}; known: {', '.join(DATA_SETS)}")
    try:
        report = {name: asyncio.run(check(name, options.workers)) for name in names}
    except (UserError, SandboxUnavailable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report))
    return 0 if all(result["same_twice"] for result in report.values()) else 1


async def check(name: str, workers: int | None) -> dict[str, Any]:
    file, judge_record = DATA_SETS[name]
    found = list(records(DATA / file))
    tables: list[list[Row]] = []
    for _ in range(2):
        async with Sandbox(workers) as sandbox:
            tables.append(await judge_all(found, judge_record, sandbox))
    rows, again = tables
    for row, second in zip(rows, again, strict=True):
        if row != second:
            print(f"{name} {row.problem}: NOT THE SAME TWICE: {row} / {second}")
        if not row.accepted_at_first:
            print(f"{name} {row.problem}: {' '.join(row.verdicts)}; {row.detail}", flush=True)
    accepted = sum(row.accepted for row in rows)
    return {
        "problems": len(rows),
        "accepted": accepted,
        "share": round(accepted / len(rows), 4),
        "accepted_at_first": sum(row.accepted_at_first for row in rows),
        "same_twice": rows == again,
    }


if __name__ == "__main__":
    sys.exit(main())
