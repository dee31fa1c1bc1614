#!/usr/bin/env python
"""Record a pool: samples of many problems from one loaded model, for `solve select` and `--recorded`.

    scripts/record_pool.py LIST OUT.jsonl [--samples 64] [--model qwen2.5-coder-1.5b] [--plans direct]

LIST has a line a problem: the problem file, a tab, the record's id. OUT is appended to, a line a sample; what it holds
is not sampled again, so that the script can be stopped and started. Problems are done in order. Not covered: programs
are not run here.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import cast

from solver.config import RunConfig, make_config
from solver.engine import planned_requests
from solver.formats import load_problem
from solver.problem import Problem
from solver.samplers import Request, Sample
from solver.samplers.factory import open_sampler, resolve_model

_STRIDE = 1_000_000  # request numbers of one problem


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--plans", default="direct")
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    pairs = [line.split("\t") for line in options.list.read_text().splitlines() if line.strip()]
    problems = [load_problem(Path(file), record) for file, record in pairs]
    config = make_config(
        model=options.model,
        samples=options.samples,
        plans=tuple(options.plans.split(",")),
        max_tokens=options.max_tokens,
        seed=options.seed,
    )
    asyncio.run(record(problems, config, options.out))
    return 0


async def record(problems: list[Problem], config: RunConfig, out: Path) -> None:
    done = recorded(out)
    # Answers that arrived before a stop are kept; the rest of their request is asked for again, under other numbers.
    wanted = {problem.name: config.samples - len(done.get(problem.name, ())) for problem in problems}
    if not any(count > 0 for count in wanted.values()):
        return
    sampler = await open_sampler(config, problems[0], resolve_model(config), len(done), out.with_suffix(".log"))
    began, count, tokens = time.monotonic(), 0, 0
    try:
        stream = cast(AsyncGenerator[Sample], sampler.stream(requests(problems, wanted, done, config)))
        async with aclosing(stream):
            with out.open("a", encoding="utf-8") as file:
                async for sample in stream:
                    name = problems[sample.request // _STRIDE].name
                    own = dataclasses.replace(sample, request=sample.request % _STRIDE)
                    file.write(json.dumps({"problem": name, **dataclasses.asdict(own)}) + "\n")
                    file.flush()
                    count, tokens = count + 1, tokens + sample.completion_tokens
                    if count % 16 == 0:
                        rate = tokens / (time.monotonic() - began)
                        print(f"{count} of {sum(wanted.values())} · {rate:.0f} tokens/s · {name}", file=sys.stderr)
    finally:
        await sampler.close()


def recorded(out: Path) -> dict[str, set[int]]:
    """Which samples a pool already holds: problem → request and choice as one number."""
    found: dict[str, set[int]] = {}
    if out.exists():
        for line in out.read_text("utf-8").splitlines():
            sample = json.loads(line)
            found.setdefault(sample["problem"], set()).add(sample["request"] * 1000 + sample["choice"])
    return found


def requests(
    problems: list[Problem], wanted: dict[str, int], done: dict[str, set[int]], config: RunConfig
) -> Iterator[Request]:
    for index, problem in enumerate(problems):
        if wanted[problem.name] <= 0:
            continue
        have = config.samples - wanted[problem.name]
        start = 1 + max((number // 1000 for number in done.get(problem.name, ())), default=-1)
        for request in planned_requests(problem, config, have=have, start_index=start):
            yield dataclasses.replace(request, index=index * _STRIDE + request.index)


if __name__ == "__main__":
    sys.exit(main())
