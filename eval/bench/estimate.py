"""What a benchmark run will take, before it is begun: tokens, time, disk. A guess with its assumptions beside it."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from eval.bench.config import BenchConfig
from eval.bench.rates import measured_rate
from eval.datasets import Skipped, tasks

ANSWER_SHARE = 0.45
"""Mean length of an answer as a share of `max_tokens`: 290 to 370 of 768 with Qwen2.5-Coder on contest problems."""
CHARACTERS_A_TOKEN = 3.6
BYTES_A_SAMPLE = 1200
"""Of the store, compressed, with executions."""
BYTES_A_PROBLEM = 120_000


def estimate(config: BenchConfig, tokens_per_second: float | None) -> dict[str, Any]:
    """Reads the data set once. Raises UserError."""
    count = skipped = statements = 0
    for found in tasks(config.data):
        if isinstance(found, Skipped) or not found.problem.examples:
            skipped += 1
            continue
        count += 1
        statements += len(found.problem.statement)
    run = config.run
    requests = -(-run.samples // run.samples_per_request)
    completion = round(count * run.samples * run.max_tokens * ANSWER_SHARE)
    rate = tokens_per_second or measured_rate(run.model)
    return {
        "problems": count,
        "skipped": skipped,
        "samples": count * run.samples,
        "prompt_tokens": round(statements / CHARACTERS_A_TOKEN * requests),
        "completion_tokens": completion,
        "tokens_per_second": rate,
        "seconds": None if rate is None or run.sampler == "recorded" else round(completion / rate),
        "disk_bytes": count * (BYTES_A_PROBLEM + run.samples * BYTES_A_SAMPLE),
        "assumptions": {
            "completion tokens a sample": round(run.max_tokens * ANSWER_SHARE),
            "characters a prompt token": CHARACTERS_A_TOKEN,
            "bytes a sample": BYTES_A_SAMPLE,
        },
    }


def show_estimate(found: dict[str, Any], console: Console) -> None:
    from eval.bench.progress import duration

    table = Table(box=None, show_header=False)
    seconds = found["seconds"]
    rows = {
        "problems": f"{found['problems']} ({found['skipped']} skipped)",
        "samples": f"{found['samples']:,}",
        "prompt tokens": f"{found['prompt_tokens']:,}, most of them cached",
        "completion tokens": f"{found['completion_tokens']:,}",
        "time": "unknown: give --tokens-per-second" if seconds is None else f"about {duration(seconds)}",
        "disk": f"{found['disk_bytes'] / 2**20:,.0f} MiB",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    console.print("assumed: " + ", ".join(f"{value} {name}" for name, value in found["assumptions"].items()))
