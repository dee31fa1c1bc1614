"""The supervisor's handle on its fork server: start it, hand it requests, replace it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from sandbox.libraries import Library
from sandbox.types import Limits

Profile = Literal["python", "tools"]

START_SECONDS = 60.0
_STOP_SECONDS = 5.0

# What modules do after a fork is for processes that fork and go on; here it would cost more than the fork itself.
# A stub stands in for the package, so that its __init__, and with it third-party code, is not imported.
_BOOT = (
    "import os; os.register_at_fork = lambda **_: None; import json, sys, types; "
    "package = types.ModuleType('sandbox'); package.__path__ = [sys.argv[1]]; sys.modules['sandbox'] = package; "
    "from sandbox.zygote.main import main; main(json.loads(sys.argv[2]))"
)


class ServerLost(RuntimeError):
    """The fork server died, hung or could not start."""


class Server:
    """One running fork server. layers: name -> (active, detail). baseline_bytes: an idle child's memory."""

    def __init__(
        self,
        directory: Path,
        profile: Profile,
        without: list[str],
        toolchain: list[str],
        libraries: list[Library],
        enter: Callable[[], None] | None = None,
    ) -> None:
        """Starts it. directory: holds its mount point and, without a tmpfs, its scratch.

        toolchain: directories that compilers read. libraries: loaded for every program. enter: called by the new
        process, to join a control group; programs are then the first that the kernel ends for the group's memory.
        Raises ServerLost.
        """
        scratch, mount_point = directory / "scratch", directory / "root"
        for path in (directory, scratch, mount_point):
            path.mkdir(mode=0o700, exist_ok=True)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        config = {
            "socket": theirs.fileno(),
            "parent": os.getpid(),
            "profile": profile,
            "without": without,
            "toolchain": toolchain,
            "libraries": [library.module for library in libraries],
            "library_paths": [path for library in libraries for path in library.paths],
            "library_directories": sorted({library.directory for library in libraries}),
            "scratch": str(scratch),
            "mount_point": str(mount_point),
            "sacrifice_children": enter is not None,
        }
        with theirs:
            self._process = subprocess.Popen(
                [_base_python(), "-s", "-S", "-P", "-X", "utf8", "-c", _BOOT, _package(), json.dumps(config)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd="/",
                preexec_fn=enter,
            )
        self._channel = ours
        try:
            hello, _ = self._receive(START_SECONDS)
            if "layers" not in hello:
                raise ServerLost(f"the fork server could not start: {hello.get('failed')}")
        except BaseException:
            self.stop()
            raise
        self.layers: dict[str, tuple[bool, str]] = {k: (v[0], v[1]) for k, v in hello["layers"].items()}
        self.baseline_bytes = int(hello["baseline"])

    def request(
        self,
        message: dict[str, Any],
        fds: list[int],
        *,
        seconds: float,
        watch: socket.socket,
        on_watch: Callable[[], bool],
    ) -> tuple[dict[str, Any], int | None]:
        """One run. Returns the server's reply and the descriptor of the file asked for, if it left one.

        seconds: after these it counts as hung. on_watch: called when `watch` is readable; True aborts the
        run. Raises ServerLost.
        """
        try:
            socket.send_fds(self._channel, [json.dumps({"op": "run", **message}).encode()], fds)
            return self._receive(seconds, watch, on_watch)
        except OSError as error:
            raise ServerLost(f"the fork server is gone: {error}") from error

    def _receive(
        self,
        seconds: float,
        watch: socket.socket | None = None,
        on_watch: Callable[[], bool] = lambda: False,
    ) -> tuple[dict[str, Any], int | None]:
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        if watch is not None:
            poll.register(watch, select.POLLIN)
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ServerLost(f"the fork server did not answer within {seconds:.0f} s")
            ready = {fd for fd, _ in poll.poll(1000 * left + 1)}
            if self._channel.fileno() in ready:
                data, fds, _, _ = socket.recv_fds(self._channel, 65536, 1, socket.MSG_CMSG_CLOEXEC)
                if not data:
                    raise ServerLost("the fork server died")
                return json.loads(data), fds[0] if fds else None
            if watch is not None and watch.fileno() in ready and on_watch():
                self._channel.send(b'{"op": "abort"}')

    def send(self, message: dict[str, Any], fds: list[int]) -> None:
        """Starts a run, as `request` does, without waiting for its end. Raises ServerLost."""
        try:
            socket.send_fds(self._channel, [json.dumps({"op": "run", **message}).encode()], fds)
        except OSError as error:
            raise ServerLost(f"the fork server is gone: {error}") from error

    def receive(self) -> dict[str, Any]:
        """The reply to `send`; `fileno` is readable once it is there. Raises ServerLost."""
        try:
            data = self._channel.recv(65536)
        except OSError as error:
            raise ServerLost(f"the fork server is gone: {error}") from error
        if not data:
            raise ServerLost("the fork server died")
        reply: dict[str, Any] = json.loads(data)
        return reply

    def abort(self) -> None:
        """Ends the run under way; it is still answered. Raises ServerLost."""
        try:
            self._channel.send(b'{"op": "abort"}')
        except OSError as error:
            raise ServerLost(f"the fork server is gone: {error}") from error

    def fileno(self) -> int:
        """The channel's descriptor, to poll."""
        return self._channel.fileno()

    @property
    def pid(self) -> int:
        """The server's process id; what it runs is below it."""
        return self._process.pid

    def stop(self) -> None:
        """Ends the server and everything it runs; returns when they are gone."""
        self._channel.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)


def limits_message(limits: Limits) -> dict[str, Any]:
    """The limits' part of a request."""
    return {
        "cpu": limits.cpu_seconds,
        "wall": limits.wall_backstop_seconds,
        "stretch": limits.stretch,
        "memory": limits.memory_bytes,
        "output": limits.output_bytes,
    }


def _base_python() -> str:
    # Not the virtual environment's: what is installed there is no business of candidates.
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def _package() -> str:
    return str(Path(__file__).resolve().parent)


def _environment() -> dict[str, str]:
    # A fixed hash seed: the same program on the same input must print its sets in the same order every time.
    environment = {"LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1", "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0"}
    environment |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    if library_path := os.environ.get("LD_LIBRARY_PATH"):
        environment["LD_LIBRARY_PATH"] = library_path
    return environment
