"""What a benchmark run will take, before it is begun: tokens, time, disk. The arithmetic is that of `solve plan`; the
data set says how many problems there are and how long their statements."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from rich.console import Console

from eval.bench.config import BenchConfig
from eval.datasets import Skipped, tasks
from eval.plan.arithmetic import Figure, Prediction, Workload, predict
from eval.plan.gather import gather
from solver.gpus import usable_gpus
from solver.models.registry import find

CHARACTERS_A_TOKEN = 3.6


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
    named = find(run.model)
    used = gather(named.name if named else run.model, run.max_tokens, {"tokens_per_second": tokens_per_second})
    if run.sampler == "recorded":
        used.pop("tokens_per_second", None)
    told = predict(_workload(count, config), {name: figure.value for name, figure in used.items()})
    requests = -(-run.samples // run.samples_per_request)
    return {
        "problems": count,
        "skipped": skipped,
        "samples": count * run.samples,
        "prompt_tokens": round(statements / CHARACTERS_A_TOKEN * requests),
        "completion_tokens": round(told.completion_tokens),
        "tokens_per_second": used["tokens_per_second"].value if "tokens_per_second" in used else None,
        "seconds": None if told.seconds is None else round(told.seconds),
        "disk_bytes": round(told.disk_bytes),
        "workload": asdict(_workload(count, config)),
        "prediction": asdict(told),
        "figures": {name: asdict(figure) for name, figure in used.items()},
    }


def _workload(problems: int, config: BenchConfig) -> Workload:
    run = config.run
    if run.sampler == "recorded":
        return Workload(problems, run.samples, run.inputs, gpus=0, cores=run.workers or len(os.sched_getaffinity(0)))
    gpus = max(1, usable_gpus()) if run.sampler == "vllm" else 1
    return Workload(problems, run.samples, run.inputs, gpus, cores=run.workers)


def show_estimate(found: dict[str, Any], console: Console) -> None:
    from eval.plan.show import show_plan

    used = {name: Figure(**figure) for name, figure in found["figures"].items()}
    show_plan(Workload(**found["workload"]), used, Prediction(**found["prediction"]), console)
    skipped = f"; {found['skipped']} problems are skipped" if found["skipped"] else ""
    console.print(f"prompt tokens: {found['prompt_tokens']:,}, most of them cached{skipped}")
