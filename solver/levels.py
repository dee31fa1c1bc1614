"""One engine after another on the same record: a cascade's levels, each with the samples of those before it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from solver.climb import Climb, Next
from solver.config import RunConfig
from solver.engine import Engine, StopReason
from solver.progress import Counts
from solver.tracing import Tracer

log = logging.getLogger(__name__)


class Interruptible(Protocol):
    """What Ctrl-C ends early."""

    def interrupt(self) -> None: ...


class Current:
    """The engine at work, where there are several one after another."""

    def __init__(self) -> None:
        self.engine: Engine | None = None
        self.interrupted = False

    def interrupt(self) -> None:
        self.interrupted = True
        if self.engine is not None:
            self.engine.interrupt()

    async def close(self) -> None:
        """Ends the sampler."""
        if self.engine is not None:
            await self.engine.close()


async def sample_levels(
    climb: Climb,
    current: Current,
    engine_of: Callable[[RunConfig], Engine],
    counts: Counts,
    tracer: Tracer,
    *,
    one_level: bool,
) -> tuple[Engine, StopReason]:
    """Until the run's samples are all there, or, with one_level, until the next model has the problem. Returns the last
    engine, and what ended it; raises what engines raise."""
    while True:
        stage = climb.stage()
        counts.begin_again(stage.samples)
        engine = current.engine = engine_of(stage)
        if current.interrupted:
            engine.interrupt()
        with tracer.stage("sample and sieve"):
            reason = await engine.run()
        log.info("%s: sampling ended by %s after %d samples", stage.model, reason, counts.samples)
        following = climb.after(reason, engine.settled_samples)
        if following is Next.DONE:
            return engine, reason
        if following is Next.CLIMB:
            if one_level:
                return engine, StopReason.NEXT_MODEL
            await engine.close()
        if current.interrupted:
            return engine, StopReason.INTERRUPTED
