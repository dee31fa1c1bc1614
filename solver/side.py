"""Side requests: what is asked of the model besides programs, such as input generators or judgements.

Their samples go through the same sampler and into the same store, under a plan that begins with `side:`; each
(plan, request, choice) is asked for once a run.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import cast

from solver.samplers.base import SIDE_PLAN, Request, Sample, Sampler
from solver.store import Store

MAX_ANSWER_TOKENS = 768


def side_request(
    kind: str,
    index: int,
    content: str,
    *,
    n: int = 1,
    temperature: float = 0.8,
    seed: int = 0,
    max_tokens: int = MAX_ANSWER_TOKENS,
) -> Request:
    """A request of the plan `side:<kind>`; `index` counts the requests of that plan."""
    return Request(
        index=index,
        messages=({"role": "user", "content": content},),
        plan=SIDE_PLAN + kind,
        language="python",
        temperature=temperature,
        seed=seed * 1_000_003 + index,
        n=n,
        max_tokens=max_tokens,
    )


OpenSampler = Callable[[], Awaitable[Sampler]]
"""Gives the run's sampler, starting it where that is needed."""


async def side_samples(requests: Sequence[Request], open_sampler: OpenSampler, store: Store) -> list[Sample]:
    """The answers to requests of one plan, by (request, choice): the stored ones, and new ones where a request has
    fewer than it asks for. A sampler may give fewer. Raises what the sampler raises."""
    if not requests:
        return []
    plan = requests[0].plan
    have = {(sample.request, sample.choice): sample for sample in store.side_samples(plan)}
    wanted = {request.index for request in requests if sum(r == request.index for r, _ in have) < request.n}
    if wanted:
        missing = iter([request for request in requests if request.index in wanted])
        sampler = await open_sampler()
        stream = cast(AsyncGenerator[Sample], sampler.stream(missing))
        async with aclosing(stream):
            async for sample in stream:
                key = sample.request, sample.choice
                if key not in have and sample.request in wanted:
                    store.add_side_sample(sample)
                    have[key] = sample
    asked = {request.index: request.n for request in requests}
    return [have[key] for key in sorted(have) if key[1] < asked.get(key[0], 0)]
