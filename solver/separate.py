"""After the sampling: a search for inputs that tell the leading programs apart, and what all survivors do on them.

Inputs tried are kept as `probe` inputs with their executions, so a search that was cut off is repeated for nothing.
Those that separate become `distinguishing` inputs, which count for behaviours like generated ones.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from clustering import Behaved, GeneratedInput, cluster
from clustering.cluster import Cluster
from clustering.distinguish import Search, Source, distinguish
from solver.choice import survivors
from solver.config import RunConfig
from solver.errors import UserError
from solver.problem import Problem
from solver.samplers import SamplerFailed
from solver.side import OpenSampler
from solver.sieve import Sieve
from solver.store import RunInput, Store
from solver.testgen import differences

log = logging.getLogger(__name__)

_LEADERS = 4  # clusters that are told apart
_WITHIN = 3  # programs of the largest cluster that are told apart from each other
_AT_ONCE = 64
_META = "separated"


async def separate(
    problem: Problem,
    config: RunConfig,
    sieve: Sieve,
    store: Store,
    settled: int,
    open_sampler: OpenSampler,
) -> None:
    """Spends at most `config.distinguish` runs on the search; then runs every survivor on what it found. With
    `config.model_inputs` the model is asked first where the two leaders differ.

    Raises what the sandbox or the store raises.
    """
    if not config.distinguish:
        return
    alive = survivors(store, settled)
    if store.meta(_META) is None:
        await _search(problem, config, sieve, store, cluster(alive), open_sampler)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def observe(key: str, run_input: RunInput) -> None:
        async with gate:
            await sieve.observe(store.program(key), run_input)

    found = [i for i in store.inputs() if i.kind == "distinguishing"]
    await asyncio.gather(*(observe(program.key, run_input) for program in alive for run_input in found))


def separations(store: Store) -> dict[str, Any] | None:
    """For the report: what the search did; None when there was none."""
    text = store.meta(_META)
    if text is None:
        return None
    found: dict[str, Any] = json.loads(text)
    return found


async def _search(
    problem: Problem,
    config: RunConfig,
    sieve: Sieve,
    store: Store,
    clusters: Sequence[Cluster],
    open_sampler: OpenSampler,
) -> None:
    leaders = _representatives(clusters)
    programs = [store.program(member.key) for _, member in leaders]
    inputs = {i.text: i for i in store.inputs() if i.kind != "example"}
    known = [text for text, i in inputs.items() if i.kind == "generated"]

    def input_of(text: str, origin: str) -> RunInput:
        if text not in inputs:
            inputs[text] = store.add_input("probe", origin, text)
        return inputs[text]

    async def run(index: int, text: str) -> str | None:
        return (await sieve.observe(programs[index], input_of(text, "distinguish"))).behaviour

    search = Search()
    if len(leaders) > 1:
        suggested: Sequence[GeneratedInput] = ()
        if config.model_inputs:
            try:
                suggested = await differences(
                    problem, programs[0].source, programs[1].source, open_sampler, store, config.seed
                )
            except (SamplerFailed, UserError) as error:
                log.warning("the model was not asked for inputs: %s", error)
        search = await distinguish(
            len(leaders),
            Source([example.input for example in problem.examples], problem.mode, problem.statement),
            run,
            config.distinguish,
            seed=config.seed,
            pairs=list(combinations(range(len(leaders)), 2)),
            known=known,
            suggested=suggested,
        )
    origins = {input_of(s.text, s.origin).id: s.origin for s in search.separations}
    store.settle_search(origins, _META, json.dumps(_report(search, leaders, input_of, store)))


def _representatives(clusters: Sequence[Cluster]) -> list[tuple[int, Behaved]]:
    """(cluster index, program): the earliest program of each leading cluster, and further ones of the largest."""
    first = [(group.index, group.members[0]) for group in clusters[:_LEADERS] if group.has_output or not group.index]
    return first + [(0, member) for group in clusters[:1] for member in group.members[1:_WITHIN]]


def _report(
    search: Search, leaders: Sequence[tuple[int, Behaved]], input_of: Callable[[str, str], RunInput], store: Store
) -> dict[str, Any]:
    def names(pair: tuple[int, int]) -> list[dict[str, Any]]:
        return [{"program": leaders[i][1].key, "cluster": leaders[i][0]} for i in pair]

    return {
        "executions": search.runs,
        "inputs_tried": search.tried,
        "found": [
            {
                "input": input_of(s.text, s.origin).id,
                "origin": s.origin,
                "text": s.text[:2000],
                "separates": [names(pair) for pair in s.pairs],
                "outputs": {
                    leaders[i][1].key: (store.output(leaders[i][1].key, input_of(s.text, s.origin).id) or s.tokens[i])
                    for i in sorted({i for pair in s.pairs for i in pair})
                },
            }
            for s in search.separations
        ],
        "not_separated": [names(pair) for pair in search.left],
    }
