"""Joins a Ray cluster, or says in one line why not.

Ray itself tries for minutes and cannot be stopped while it does, so a process of its own tries first. The driver
connects as a full member (not through Ray's client), so a node of the cluster has to run on its machine.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from solver.cluster.config import ClusterConfig
from solver.errors import UserError

TRY_SECONDS = 60.0
_PORT_SECONDS = 5.0
_TRY = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='CRITICAL')"
_MOST_SANDBOX_CPUS = 8


@dataclass(frozen=True, slots=True)
class Node:
    """A node that is alive. id: Ray's."""

    id: str
    host: str
    cpus: float
    gpus: float


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module `ray`, connected; the cluster forgets us and our actors afterwards. Raises UserError."""
    ray = import_ray()
    _try(address)
    os.environ["RAY_SCHEDULER_EVENTS"] = "0"  # its remarks on actors that wait are none of the user's business
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", namespace="codesieve")
    except Exception as error:
        raise UserError(f"--ray {address}: {_one_line(str(error))}") from None
    _quiet()
    try:
        yield ray
    finally:
        ray.shutdown()


def import_ray() -> Any:
    """Raises UserError where Ray is not installed."""
    try:
        import ray
    except ImportError:
        raise UserError("Ray is not installed here; pip install 'codesieve[cluster]' on every node") from None
    return ray


def nodes(ray: Any) -> list[Node]:
    """Those that are alive."""
    return [
        Node(
            node["NodeID"],
            node["NodeManagerHostname"],
            node["Resources"].get("CPU", 0.0),
            node["Resources"].get("GPU", 0.0),
        )
        for node in ray.nodes()
        if node["Alive"]
    ]


def sandbox_cpus(config: ClusterConfig, found: list[Node]) -> int:
    """CPUs of one sandbox actor."""
    smallest = min((node.cpus for node in found if node.cpus >= 1), default=1.0)
    return config.sandbox_cpus or int(min(smallest, _MOST_SANDBOX_CPUS))


def check_gpus(config: ClusterConfig, found: list[Node]) -> None:
    """Raises UserError when no node has the GPUs of one replica."""
    most = max((node.gpus for node in found), default=0.0)
    if most >= config.gpus_per_replica:
        return
    has = f"the largest of its {len(found)} nodes has {most:g}" if most else "none of its nodes has a GPU"
    raise UserError(
        f"--gpus-per-replica {config.gpus_per_replica}: {has}; add such a node, give a smaller number, or 0 to run the "
        "model on CPUs"
    )


def _try(address: str) -> None:
    if "://" in address:
        raise UserError(f"--ray {address}: give HOST:PORT of the cluster's head; Ray's client is not used")
    if address != "auto":
        _try_port(address)
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _TRY, address],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TRY_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"--ray {address}: no Ray cluster answers there within {TRY_SECONDS:g} seconds, or none of its nodes runs "
            "on this machine; `ray start --address HOST:PORT` makes this one a node"
        ) from None
    if done.returncode == 0:
        return
    if address == "auto":
        raise UserError(
            "--ray auto: no Ray cluster runs on this machine; start one (`ray start --head`) or give --ray HOST:PORT"
        )
    raise UserError(f"--ray {address}: cannot join this cluster: {_one_line(done.stderr)}")


def _try_port(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UserError(f"--ray {address}: give `auto`, or HOST:PORT of the cluster's head")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PORT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"--ray {address}: nobody answers there ({reason}); is the cluster's head running?") from None


def _quiet() -> None:
    """Ray prints its remarks on workers that died to our standard output, which is for results; there is no option."""
    from ray._private import worker

    worker._worker_logs_enabled = False


def _one_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[-1] if lines else "no reason was given")[:300]
