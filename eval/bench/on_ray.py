"""A Ray cluster as the place where a benchmark run's programs run and its models sample."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from eval.bench.layout import BenchDirectory
from eval.bench.nodes import NodeRecord
from eval.bench.progress import BenchProgress
from sandbox import AnySandbox
from solver.cluster.config import ClusterConfig
from solver.cluster.connect import Node, check_gpus, nodes, sandbox_cpus
from solver.cluster.events import Event
from solver.cluster.replay import Replays
from solver.cluster.replica_actor import OpenModel
from solver.cluster.replicas import RaySampler
from solver.cluster.sandboxes import RaySandbox
from solver.config import RunConfig
from solver.models import ResolvedModel
from solver.problem import Problem
from solver.samplers import Sampler
from solver.samplers.factory import of_level, open_sampler

log = logging.getLogger("solver.cluster")  # kept in the run's log

_AS_MANY_AS_FIT = 1_000_000
_REPLICAS_A_RUN = 1_000_000  # more than one session ever starts


class OnRay:
    """ray: the module, connected. bench: where the record of the nodes is kept."""

    command = "batch"

    def __init__(self, ray: Any, config: ClusterConfig, bench: BenchDirectory) -> None:
        self.ahead = max(2, 2 * config.replicas)
        self.devices: int | None = config.replicas * max(1, config.gpus_per_replica)
        self._ray = ray
        self._config = config
        self._record = NodeRecord(bench)
        self._progress: BenchProgress | None = None
        self._replays: Replays | None = None
        self._had_replicas = False

    def tells(self, progress: BenchProgress) -> None:
        self._progress = progress

    def model(self, config: RunConfig) -> ResolvedModel | None:
        """Each replica looks for it on its own node. Raises UserError when no node has the GPUs."""
        if config.sampler == "vllm":
            check_gpus(self._config, self._nodes())
        return None

    @asynccontextmanager
    async def sandbox(self, config: RunConfig) -> AsyncIterator[AnySandbox]:
        cpus = sandbox_cpus(self._config, self._nodes())
        sandbox = RaySandbox(
            self._ray,
            cpus=cpus,
            most=self._config.most_sandboxes or _AS_MANY_AS_FIT,
            wanted=config.languages,
            allow_unsafe=config.unsafe_no_isolation,
            wait_seconds=self._config.wait_seconds,
            on_event=self._happened,
            lacking=lambda: self._lacking(
                f"{cpus} CPUs for a sandbox (--sandbox-cpus)", lambda node: node.cpus >= cpus
            ),
        )
        try:
            async with sandbox:
                yield sandbox
        finally:
            if self._replays is not None:
                self._replays.close()
                self._replays = None  # a cascade's next level opens it again
            self._record.all_ended()

    async def sampler(self, config: RunConfig, model: ResolvedModel | None, restarts: int, log_path: Path) -> Sampler:
        """Replicas of the model; an endpoint is asked by the driver itself, wherever it is."""
        if config.sampler == "endpoint":
            return await open_sampler(config, Problem(name="all", statement="(all)"), None, restarts, log_path)
        gpus, cpus = self._config.gpus_per_replica, self._config.cpus_per_replica
        sampler = RaySampler(
            self._ray,
            lambda number: OpenModel(config, restarts * _REPLICAS_A_RUN + number),
            replicas=self._config.replicas,
            gpus=gpus,
            cpus=cpus,
            wait_seconds=self._config.wait_seconds,
            on_event=self._happened,
            follows_others=self._had_replicas,
            lacking=lambda: self._lacking(
                f"{gpus} GPUs and {cpus} CPUs for a replica (--gpus-per-replica, --cpus-per-replica)",
                lambda node: node.gpus >= gpus and node.cpus >= cpus,
            ),
        )
        self._had_replicas = True
        await sampler.start()
        return sampler

    async def recording(self, config: RunConfig, problem: Problem) -> Sampler:
        assert config.recorded is not None
        if self._replays is None:
            self._replays = Replays(self._ray, config.recorded, self._happened)
        return of_level(self._replays.of({problem.name, problem.name.rpartition("/")[2]}), config)

    def _nodes(self) -> list[Node]:
        return nodes(self._ray)

    def _lacking(self, what: str, enough: Any) -> str:
        """Why nothing was started: no node is large enough, or those that are have no room."""
        found = self._nodes()
        if not any(enough(node) for node in found):
            most = max((node.cpus for node in found), default=0)
            return f"none of {len(found)} nodes has {what}; the largest has {most:g} CPUs"
        return f"the nodes with {what} are all taken"

    def _happened(self, event: Event) -> None:
        log.log(logging.INFO if event.kind == "joined" else logging.WARNING, "%s", event)
        self._record.add(event)
        if self._progress is not None:
            self._progress.machines = self._record.line()
            self._progress.on_event(str(event))
