"""A Ray cluster of several nodes on one machine, for tests and trials. Each node is what `ray start` makes of it.

Not covered: anything that needs more than one machine, such as a network that fails.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psutil

START_SECONDS = 60.0
_ATTEMPTS = 4  # Ray gives a node 30 seconds to start, which a busy machine may not keep
_STORE_BYTES = 80_000_000  # of a node's object store; Ray takes no less
_AGENT_PORTS = (
    "metrics-export-port",
    "dashboard-agent-grpc-port",
    "dashboard-agent-listen-port",
    "runtime-env-agent-port",
)
# A node that is dead is noticed in seconds instead of half a minute.
_BRISK = {
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "disabled",  # a token that the user keeps for another cluster does not concern this one
    "RAY_enable_worker_prestart": "0",
}


@dataclass
class LocalNode:
    """session: the id of the session that all of its processes belong to."""

    session: int

    def processes(self) -> list[psutil.Process]:
        """Those of the node that are alive."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(OSError, psutil.Error):
                if os.getsid(process.pid) == self.session and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def kill(self) -> None:
        """As when its machine loses power."""
        while alive := self.processes():
            for process in alive:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL)
            psutil.wait_procs(alive, timeout=5)


@dataclass
class LocalCluster:
    """A context manager; leaving it kills every process of every node.

    The head has no CPUs, so nothing that needs one runs there.
    """

    nodes: list[LocalNode] = field(default_factory=list)
    address: str = ""
    _directory: Path | None = None

    def __enter__(self) -> LocalCluster:
        # The path of a socket may have 107 bytes.
        self._directory = Path(tempfile.mkdtemp(prefix="cs-ray-", dir="/tmp"))
        port, client = _free_ports(2)
        self.address = f"127.0.0.1:{port}"
        try:
            self._start(
                ["--head", f"--port={port}", f"--ray-client-server-port={client}", "--include-dashboard=false"], cpus=0
            )
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def add(self, cpus: int = 1, environment: Mapping[str, str] | None = None, wait: bool = True) -> LocalNode:
        """One more node. environment: of all that runs there, besides ours. wait: until it has started."""
        return self._start([f"--address={self.address}"], cpus, environment, wait=wait)

    def close(self) -> None:
        for node in reversed(self.nodes):
            node.kill()
        self.nodes.clear()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _start(
        self, options: list[str], cpus: int, environment: Mapping[str, str] | None = None, *, wait: bool = True
    ) -> LocalNode:
        assert self._directory is not None
        number = len(self.nodes)
        # With ports of our choice a node waits for fewer of those that its agents write down.
        agents = zip(_AGENT_PORTS, _free_ports(len(_AGENT_PORTS)), strict=True)
        command = [
            str(Path(sys.executable).with_name("ray")), "start", *options, f"--num-cpus={cpus}", "--num-gpus=0",
            f"--object-store-memory={_STORE_BYTES}", "--node-ip-address=127.0.0.1", "--disable-usage-stats",
            f"--temp-dir={self._directory / str(number)}", "--log-style=record",
            "--include-log-monitor=false",
            *(f"--{name}={port}" for name, port in agents),
        ]  # fmt: skip
        for attempt in range(_ATTEMPTS):
            log_path = self._directory / f"start-{number}-{attempt}.log"
            with log_path.open("wb") as log:
                started = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env={**os.environ, **_BRISK, **(environment or {})},
                )
            node = LocalNode(started.pid)
            self.nodes.append(node)
            with contextlib.suppress(subprocess.TimeoutExpired):
                if not wait or not started.wait(START_SECONDS):
                    return node
            node.kill()
            self.nodes.remove(node)
        raise RuntimeError(f"ray start failed: {log_path.read_text(errors='replace')[-2000:]}")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
