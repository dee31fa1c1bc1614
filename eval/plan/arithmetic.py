"""The arithmetic of a plan: from how much is to be sampled and a dozen figures to time, processors, memory and disk.

Everything follows the flow of a run: samples cost tokens, tokens cost GPU time; a share of the samples are new
programs, each is run on examples until one fails, and those that pass on the generated inputs; every sample passes the
driver. Resources work at the same time, so the slowest sets the pace; where samples are recorded, driver and sandbox
share the cores of one machine. Not modelled: an early stop, loading a model, C++
compilers, inputs and opinions that the model writes, and batches too small to fill a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

BYTES_A_PROBLEM = 48_000  # a run directory with nothing in it but its problem, inputs and answer
SANDBOX_SECONDS = 0.0025  # of a core an execution, besides the program's own: fork, isolation, clean-up
USABLE = 0.8  # of a core, before queues grow
DRIVER_BYTES = 160 * 2**20  # a driver with its libraries and full caches
BYTES_A_SURVIVOR = 700  # that a driver keeps of a program that passes the examples: its key, its behaviour
MOST_OPEN = 32  # problems of a driver with a model
WORKER_BYTES = 40 * 2**20  # a sandbox worker, its supervisor with full caches; programs not counted

FIGURES: dict[str, tuple[str, float | None, str]] = {
    "tokens_per_second": ("completion tokens/s of one GPU (or this CPU)", None, ""),
    "tokens_per_sample": ("completion tokens a sample", None, "45 % of --max-tokens, as Qwen2.5-Coder on contests"),
    "unique_share": ("new programs a sample", 0.9, "few samples a problem; it falls with more"),
    "pass_share": ("programs that pass the examples", 0.05, "a small model on contest problems"),
    "example_runs": ("examples a program is run on", 1.3, "most fail the first"),
    "execution_seconds": ("core seconds an execution", 0.03, "a short Python program"),
    "driver_samples_per_second": (
        "samples/s that one driver core handles",
        1000.0,
        "1,150 to 1,750, short programs",
    ),
    "bytes_per_sample": ("bytes of disk a sample", 1500.0, "compressed, with its executions"),
}
"""name -> what it says, what is assumed of it where nobody knows (None: nothing can be), and on what ground."""

OF_THE_MODEL = ("tokens_per_second", "tokens_per_sample", "unique_share", "pass_share")
"""Figures that another model's tell nothing of."""

ANSWER_SHARE = 0.45
"""Mean length of an answer as a share of `max_tokens`: 290 to 370 of 768 with Qwen2.5-Coder on contest problems."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that goes into a plan. source: where it comes from, for people."""

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Workload:
    """samples: a problem. inputs: generated ones, that a program which passes the examples is run on. gpus: each holds
    a replica; 0: the samples are recorded. cores: for the sandbox, and for the driver too where there are no GPUs;
    None: as many as it needs."""

    problems: int
    samples: float
    inputs: int = 20
    gpus: int = 1
    cores: int | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """Totals of all problems. cores: that the sandbox needs to keep up with the model. driver_share: of what one driver
    can handle in that time; above 1 the driver is too slow. gpu_hours: for which GPUs are held, waiting included.
    None: the pace is not known, or there is no model. bound_by: what sets the pace. memory_bytes: at most."""

    samples: float
    completion_tokens: float
    programs: float
    executions: float
    sandbox_core_seconds: float
    disk_bytes: float
    memory_bytes: float
    gpu_hours: float | None
    seconds: float | None
    cores: int | None
    driver_share: float | None
    bound_by: str | None


def _open_problems(work: Workload) -> int:
    """Whose programs a driver may hold at once: `eval.bench.drive` opens as many as give every GPU two, or every core
    of a replay."""
    return min(work.problems, MOST_OPEN, 2 * (work.gpus or work.cores or 1))


def predict(work: Workload, figures: Mapping[str, float]) -> Prediction:
    """figures: by the names of FIGURES; all but tokens_per_second are needed."""
    samples = work.problems * work.samples
    tokens = samples * figures["tokens_per_sample"]
    programs = samples * figures["unique_share"]
    executions = programs * (figures["example_runs"] + figures["pass_share"] * work.inputs)
    core_seconds = executions * figures["execution_seconds"]
    driver_seconds = samples / figures["driver_samples_per_second"]
    rate = figures.get("tokens_per_second") if work.gpus else None
    gpu_seconds = None if rate is None else tokens / rate
    seconds = cores = share = bound = None
    if gpu_seconds is not None:
        model_seconds = gpu_seconds / work.gpus
        cores = max(1, math.ceil(core_seconds / model_seconds / USABLE)) if model_seconds else 1
        share = driver_seconds / model_seconds if model_seconds else 0.0
        paces = {"the model": model_seconds, "the driver": driver_seconds}
        if work.cores is not None:
            paces["the sandbox"] = core_seconds / work.cores / USABLE
        bound = max(paces, key=lambda name: paces[name])
        seconds = paces[bound]
        gpu_seconds = seconds * work.gpus
    elif work.gpus == 0 and work.cores is not None:
        paces = {"the driver": driver_seconds, "the cores": (core_seconds + driver_seconds) / work.cores}
        bound = max(paces, key=lambda name: paces[name])
        seconds = paces[bound]
        share = driver_seconds / seconds if seconds else 0.0
    survivors = work.samples * figures["unique_share"] * figures["pass_share"]
    in_memory = _open_problems(work) * survivors * BYTES_A_SURVIVOR
    return Prediction(
        samples=samples,
        completion_tokens=tokens,
        programs=programs,
        executions=executions,
        sandbox_core_seconds=core_seconds,
        disk_bytes=work.problems * BYTES_A_PROBLEM + samples * figures["bytes_per_sample"],
        memory_bytes=DRIVER_BYTES + in_memory + (work.cores or cores or 1) * WORKER_BYTES,
        gpu_hours=None if gpu_seconds is None else gpu_seconds / 3600,
        seconds=seconds,
        cores=cores,
        driver_share=share,
        bound_by=bound,
    )
