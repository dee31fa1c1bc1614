#!/usr/bin/env python
"""How much of a bare vLLM's speed is left when its samples are extracted, run and recorded while it samples.

    scripts/bench_sampler.py [--model MODEL] [--samples 8] [--max-tokens 192] [--max-num-seqs 16] [--rounds 2]

Two engines with the same settings, each in a process of its own, take turns (A B A B), each alone at its time: A is
ours, the problems in `examples/` through the hub, the engine, the real sandbox and a store each; B is `LLM.generate`
on the same prompts with the same sampling parameters and as many samples. Prints one JSON line: completion tokens a
second of both, over whole rounds (A: until the last report is written) and, for A, also until the last sample; their
ratio; the longest time in which the model had fewer sequences to compute than it could although there were more to
ask; how full KV cache and batch were, and how much of the prompts came out of the prefix cache. Both engines are loaded
all the time: the memory must hold two. Not measured: several GPUs.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

from eval.bench.hub import Hub
from sandbox import Sandbox
from solver.config import RunConfig
from solver.engine import planned_requests
from solver.formats import load_problem
from solver.models import resolve
from solver.problem import Problem
from solver.rundir import RunDirectory
from solver.samplers import Request, Sampler, wire
from solver.samplers.engine_settings import engine_arguments, prompt_tokens, sampling_params
from solver.samplers.vllm_engine import VllmSampler, engine_environment
from solver.session import Session, carry_out, counts_of, logging_to
from solver.store import Store
from solver.tracing import NO_TRACES

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
KV_CACHE_GIB = "2"  # each, on a CPU
_CLOSE_SECONDS = 15.0


# --- B: the bare loop, in a process of its own ------------------------------------------------------


def bare(connection: Connection, start: wire.Start, log: Path) -> None:
    """Answers each list of (messages, temperature, n, max_tokens) with (seconds, tokens); ends at None."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from vllm import LLM
    from vllm.platforms import current_platform

    llm = LLM(**engine_arguments(start))
    tokenizer, seeds = llm.get_tokenizer(), not current_platform.is_cpu()
    connection.send("ready")
    while (requests := connection.recv()) is not None:
        begun = time.monotonic()
        prompts, params = [], []
        for request in requests:
            tokens = {"prompt_token_ids": prompt_tokens(tokenizer, request.messages)}
            for choice in range(request.n):
                prompts.append(tokens)
                seed = request.seed + choice if seeds else None
                params.append(sampling_params(request.temperature, start.top_p, request.max_tokens, seed))
        answers = llm.generate(prompts, params, use_tqdm=False)
        connection.send((time.monotonic() - begun, sum(len(a.outputs[0].token_ids) for a in answers)))


class Bare:
    def __init__(self, start: wire.Start, log: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=bare, args=(theirs, start, log))
        self._log = log
        self._process.start()
        theirs.close()

    def started(self) -> None:
        self._answer()

    def round(self, requests: list[Request]) -> dict[str, float]:
        self._connection.send(requests)
        seconds, tokens = self._answer()
        return {"tokens": tokens, "seconds": round(seconds, 2), "tokens_per_second": round(tokens / seconds, 2)}

    def close(self) -> None:
        """Its engine's process may outlive what it was told to do, so it is ended."""
        if self._process.pid is None or not self._process.is_alive():
            return
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._connection.send(None)
        self._process.join(_CLOSE_SECONDS)
        self._process.kill()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.join()

    def _answer(self) -> Any:
        try:
            return self._connection.recv()
        except EOFError:
            sys.exit(f"the bare vLLM died; its log ends with:\n{self._log.read_text()[-2000:]}")


# --- A: ours -------------------------------------------------------------------------------------------


class Open:
    """A started sampler for one round: closing the round's hub leaves it running, and the last arrival is noted."""

    replays = False

    def __init__(self, sampler: VllmSampler) -> None:
        self._sampler = sampler
        self.model = sampler.model
        self.last_sample = 0.0

    async def stream(self, requests: Iterator[Request]) -> Any:
        async for sample in self._sampler.stream(requests):
            self.last_sample = time.monotonic()
            yield sample

    async def close(self) -> None:
        pass


async def ours(sampler: VllmSampler, problems: list[Problem], config: RunConfig, folder: Path) -> dict[str, float]:
    """All problems at once, as `solve bench` has them in flight."""
    before, opened = sampler.stats, Open(sampler)

    async def once() -> Sampler:
        return opened

    hub = Hub(once)
    async with Sandbox(config.workers) as sandbox:
        begun = time.monotonic()

        async def solve(problem: Problem) -> int:
            run = RunDirectory.create(folder / problem.name, problem, config)
            session = Session(run, problem, config, None, Console(stderr=True), quiet=True)
            with (
                Store(run.store_path) as store,
                logging_to(run.log_path),
                NO_TRACES.run(problem, config, store) as tracer,
            ):
                report = await carry_out(session, store, counts_of(config, store), tracer, sandbox, hub.view)
            run.unlock()
            return int(report["counts"]["executions"])

        executions = sum(await asyncio.gather(*(solve(problem) for problem in problems)))
        ended = time.monotonic()
        await hub.close()
    tokens = sampler.stats.since(before).completion_tokens
    return {
        "tokens": tokens,
        "seconds": round(ended - begun, 2),
        "tokens_per_second": round(tokens / (ended - begun), 2),
        "tokens_per_second_while_sampling": round(tokens / (opened.last_sample - begun), 2),
        "executions": executions,
    }


# --- both --------------------------------------------------------------------------------------------


async def measure(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    model = resolve(args.model, None)
    os.environ |= engine_environment(model.path_or_hub_id, folder)  # what ours sets for its engine, for the rival too
    start = wire.Start(model.path_or_hub_id, args.seed, 1.0, 4096, args.max_num_seqs, 1, 1, 0.45, None)
    problems = [load_problem(path) for path in sorted(EXAMPLES.glob("*/problem.json"))[: args.problems]]
    config = RunConfig(samples=args.samples, max_tokens=args.max_tokens, seed=args.seed, agreement=0, model=model.name)
    requests = [request for problem in problems for request in planned_requests(problem, config)]
    sampler = VllmSampler(
        model.path_or_hub_id,
        model_name=model.name,
        seed=args.seed,
        max_model_len=start.max_model_len,
        max_num_seqs=args.max_num_seqs,
        tensor_parallel_size=1,
        data_parallel_size=1,
        gpu_memory_utilization=start.gpu_memory_utilization,
        log_path=folder / "ours.log",
    )
    rival = Bare(start, folder / "bare.log")
    rounds: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
    try:
        await asyncio.to_thread(rival.started)
        info = await sampler.start()
        if args.warm_up:  # neither pays for its first prompts, compilations and page faults
            await asyncio.to_thread(rival.round, requests[:1])
            _ = [sample async for sample in sampler.stream(iter(requests[:1]))]
        loaded = sampler.stats
        for number in range(args.rounds):
            rounds["ours"].append(await ours(sampler, problems, config, folder / f"round{number}"))
            rounds["bare"].append(await asyncio.to_thread(rival.round, requests))
        done = sampler.stats.since(loaded)
    finally:
        await sampler.close()
        await asyncio.to_thread(rival.close)
    speed = {who: sum(r["tokens"] for r in them) / sum(r["seconds"] for r in them) for who, them in rounds.items()}
    return {
        "model": model.name,
        "device": info.device,
        "vllm": info.version,
        "cores": os.cpu_count(),
        "problems": len(problems),
        "samples_a_round": sum(request.n for request in requests),
        "max_num_seqs": args.max_num_seqs,
        "tokens_per_second": {who: round(rate, 2) for who, rate in speed.items()},
        "ratio": round(speed["ours"] / speed["bare"], 4),
        "ratio_while_sampling": round(
            sum(r["tokens"] for r in rounds["ours"])
            / sum(r["tokens"] / r["tokens_per_second_while_sampling"] for r in rounds["ours"])
            / speed["bare"],
            4,
        ),
        "longest_gap_seconds": round(done.longest_gap, 3),
        "engine": done.plain(),
        "rounds": rounds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--problems", type=int, default=8, help="so many of examples/")
    parser.add_argument("--samples", type=int, default=8, help="a problem and round")
    parser.add_argument("--max-tokens", type=int, default=192)
    parser.add_argument("--max-num-seqs", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-warm-up", dest="warm_up", action="store_false")
    args = parser.parse_args()
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", KV_CACHE_GIB)
    with tempfile.TemporaryDirectory(prefix="codesieve-bench-") as folder:
        print(json.dumps(asyncio.run(measure(args, Path(folder)))))


if __name__ == "__main__":
    main()
