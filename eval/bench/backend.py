"""Where a benchmark run gets its sandbox and its samplers from: this machine, or a cluster."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from eval.bench.progress import BenchProgress
from sandbox import AnySandbox, Sandbox
from solver.config import RunConfig
from solver.models import ResolvedModel
from solver.problem import Problem
from solver.samplers import Sampler
from solver.samplers.factory import open_sampler, resolve_model


class Backend(Protocol):
    """command: the subcommand that runs on it, for messages. ahead: how many problems are to have requests at hand, so
    that no model waits. devices: that the samplers were given; None: they say so themselves, see `SamplerStats`."""

    command: str
    ahead: int
    devices: int | None

    def tells(self, progress: BenchProgress) -> None:
        """Where the backend's own news go."""

    def model(self, config: RunConfig) -> ResolvedModel | None:
        """What `sampler` needs, looked for before anything starts. Raises UserError."""

    def sandbox(self, config: RunConfig) -> AbstractAsyncContextManager[AnySandbox]:
        """The engine's; the judge has its own. Raises SandboxUnavailable."""

    async def sampler(self, config: RunConfig, model: ResolvedModel | None, restarts: int, log_path: Path) -> Sampler:
        """What all problems share. restarts: how often the run was taken up before. Raises UserError."""

    async def recording(self, config: RunConfig, problem: Problem) -> Sampler:
        """One problem's recorded samples."""


class Here:
    """This machine."""

    command = "bench"
    ahead = 2
    devices: int | None = None

    def tells(self, progress: BenchProgress) -> None:
        pass

    def model(self, config: RunConfig) -> ResolvedModel | None:
        return resolve_model(config)

    def sandbox(self, config: RunConfig) -> AbstractAsyncContextManager[AnySandbox]:
        return Sandbox(config.workers, allow_unsafe=config.unsafe_no_isolation)

    async def sampler(self, config: RunConfig, model: ResolvedModel | None, restarts: int, log_path: Path) -> Sampler:
        nobody = Problem(name="all", statement="(all)")  # only a recording asks whose samples are wanted
        return await open_sampler(config, nobody, model, restarts, log_path)

    async def recording(self, config: RunConfig, problem: Problem) -> Sampler:
        return await open_sampler(config, problem, None, 0, Path())
