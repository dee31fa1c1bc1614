#!/usr/bin/env python
"""Print the verdict table alone and under load, and whether it is the same byte for byte.

    scripts/load_proof.py [--loads 1,2,4,8] [--modes crowd,workers]

Load k means: `crowd`, k busy processes a core beside the sandbox; `workers`, k workers a core in the sandbox. All
have the same niceness. Prints the first table, what differs from it under each load, and last one JSON object.
Exit code 0: all tables are the same and every verdict is the expected one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any

from eval.load_table import Case, calibrate, cases, cores, crowd, line, run_table
from sandbox import Outcome, Sandbox


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", default="1,2,4,8")
    parser.add_argument("--modes", default="crowd,workers")
    options = parser.parse_args()
    loads = [int(load) for load in options.loads.split(",")]
    report = asyncio.run(prove(loads, options.modes.split(",")))
    print(json.dumps(report))
    return 0 if report["same"] and not report["wrong"] else 1


async def prove(loads: list[int], modes: list[str]) -> dict[str, Any]:
    async with Sandbox(1) as sandbox:
        table = cases(await calibrate(sandbox))
        alone = await run_table(table, sandbox)
    lines = [line(case, outcome) for case, outcome in zip(table, alone, strict=True)]
    print("alone, one worker", *lines, sep="\n", flush=True)
    settings: dict[str, Any] = {}
    for mode in modes:
        for load in loads:
            began = time.monotonic()
            with crowd(load * cores() if mode == "crowd" else 0):
                async with Sandbox(load * cores() if mode == "workers" else None) as sandbox:
                    loaded = await run_table(table, sandbox)
            again = [line(case, outcome) for case, outcome in zip(table, loaded, strict=True)]
            changed = [f"  {now}   (alone: {first})" for first, now in zip(lines, again, strict=True) if first != now]
            name = f"{mode} {load}x"
            settings[name] = {
                "same": not changed,
                "seconds": round(time.monotonic() - began, 1),
                "cpu_growth": growth(table, alone, loaded),
            }
            print(f"{name}: {'the same' if not changed else 'DIFFERENT'}", *changed, sep="\n", flush=True)
    return {
        "programs": len(table),
        "wrong": sum("WRONG" in text for text in lines),
        "same": all(setting["same"] for setting in settings.values()),
        "settings": settings,
    }


def growth(table: list[Case], alone: list[Outcome], loaded: list[Outcome]) -> dict[str, float]:
    """CPU time under load over CPU time alone, for the programs of a fixed amount of work below their limit."""
    return {
        case.name: round(now.cpu_seconds / first.cpu_seconds, 3)
        for case, first, now in zip(table, alone, loaded, strict=True)
        if " work 0." in case.name
    }


if __name__ == "__main__":
    sys.exit(main())
