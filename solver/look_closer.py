"""What a run does between its last sample and its choice, where the user asked for it: a search for distinguishing
inputs, and the model's opinion of the leading programs."""

from __future__ import annotations

import logging

from clustering import cluster
from solver.choice import survivors
from solver.config import RunConfig
from solver.errors import UserError
from solver.judging import judge_scores, store_scores, tournament_scores
from solver.problem import Problem
from solver.progress import Counts
from solver.samplers import SamplerFailed
from solver.separate import separate
from solver.side import OpenSampler
from solver.sieve import Sieve
from solver.store import Store

log = logging.getLogger(__name__)


async def look_closer(
    problem: Problem,
    config: RunConfig,
    sieve: Sieve,
    store: Store,
    counts: Counts,
    settled: int,
    open_sampler: OpenSampler,
) -> None:
    """Everything goes to the store; nothing stored is done again. A sampler that fails leaves no opinion."""
    counts.phase = "telling programs apart"
    await separate(problem, config, sieve, store, settled, open_sampler)
    if config.opinions:
        counts.phase = "asking the model's opinion"
        try:
            await _opinions(problem, config, store, settled, open_sampler)
        except (SamplerFailed, UserError) as error:
            log.warning("no opinions: %s", error)


async def _opinions(problem: Problem, config: RunConfig, store: Store, settled: int, open_sampler: OpenSampler) -> None:
    """Of the earliest program of each of the `config.opinions` largest clusters."""
    leaders = cluster(survivors(store, settled))[: config.opinions]
    programs = {group.members[0].key: store.program(group.members[0].key).source for group in leaders}
    if not programs:
        return
    store_scores(store, "judge", await judge_scores(problem, programs, open_sampler, store))
    store_scores(store, "tournament", await tournament_scores(problem, programs, open_sampler, store, config.seed))
