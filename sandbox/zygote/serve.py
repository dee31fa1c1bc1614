"""The fork server's loop: one child per request, watched to its end, and nothing of it left behind.

The supervisor sends a JSON request with the child's descriptors over a SOCK_SEQPACKET socket, and gets a JSON reply
with what wait4 said.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from . import extras, kernel
from .child import CODE, RESULT, STATUS, limits_of
from .scratch import Scratch

_MIN_POLL_SECONDS = 0.01

StartChild = Callable[[dict[str, Any], list[int]], object]


class Sacrifice:
    """Says whom the kernel ends when the memory of this server's control group runs out: the child, not the server.

    A child inherits the server's own score, so the server takes the highest for the moment of the fork.
    """

    def __init__(self) -> None:
        self._fd = kernel.out_of_the_way(os.open("/proc/self/oom_score_adj", os.O_RDWR))
        self._score = os.pread(self._fd, 20, 0)

    def offer(self) -> None:
        os.pwrite(self._fd, b"1000", 0)

    def withdraw(self) -> None:
        os.pwrite(self._fd, self._score, 0)


class Loop:
    """Serves requests until the supervisor closes the socket.

    start_child: runs in the child and never returns. children: /proc/self/task/PID/children, open, to find strays;
    None for the init of a pid namespace, which can end all at once. sacrifice: makes children the first to end
    when memory runs out.
    """

    def __init__(
        self,
        channel: socket.socket,
        scratch: Scratch,
        start_child: StartChild,
        children: int | None,
        sacrifice: Sacrifice | None = None,
    ) -> None:
        self._sacrifice = sacrifice
        self._channel = channel
        self._scratch = scratch
        self._start_child = start_child
        self._children = children
        self._cores = os.cpu_count() or 1

    def serve(self) -> None:
        """Runs until the supervisor is gone."""
        while True:
            data, fds, _, _ = socket.recv_fds(self._channel, 65536, 8)
            if not data:
                return
            request = json.loads(data)
            if request["op"] == "abort":
                continue  # it crossed the reply to what it meant
            sent: list[int] = []
            try:
                reply = self.run(request, fds)
                if name := request.get("collect"):
                    try:
                        found = self._scratch.open_result(name)
                        sent = [] if found is None else [found]
                    except OSError as error:
                        reply["collect_error"] = str(error)
            finally:
                for fd in fds:
                    os.close(fd)
            socket.send_fds(self._channel, [json.dumps(reply).encode()], sent)
            for fd in sent:
                os.close(fd)
            self._scratch.empty()

    def run(self, request: dict[str, Any], fds: list[int]) -> dict[str, Any]:
        """One child, from fork to the end of all it started."""
        if name := request.get("place"):
            self._scratch.place(name, fds[CODE if request["kind"] == "compile" else RESULT])
        if name := request.get("program"):
            self._scratch.place(name, fds[CODE])
        if (name := request.get("collect")) and not self._scratch.can_create and request["kind"] != "compile":
            self._scratch.touch(name)
        extra, child_fds = request.get("extra"), fds
        if extra:
            child_fds = fds[:-1]
            extras.place(self._scratch, extra, fds[-1])
        request["limits"] = limits_of(request)
        began = time.monotonic()
        if self._sacrifice is not None:
            self._sacrifice.offer()
        pid = os.fork()
        if pid == 0:
            try:
                self._start_child(request, child_fds)
            finally:
                os._exit(1)  # whatever the program did to this interpreter, it never comes back to the server
        for place in request.get("pipes", ()):
            os.dup2(fds[STATUS], fds[place], inheritable=False)  # while this process holds it, a pipe has no end
        if self._sacrifice is not None:
            self._sacrifice.withdraw()
        killed = self._watch(pid, request["cpu"], began + request["wall"], request["stretch"])
        _, status, usage = os.wait4(pid, 0)
        wall = time.monotonic() - began
        self._end_all_children()
        return {
            "code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            "cpu": usage.ru_utime + usage.ru_stime,
            "wall": wall,
            "ended": began + wall,
            "memory": usage.ru_maxrss * 1024,
            "killed": killed,
            "files": extras.collect(self._scratch, extra, fds[-1]) if extra else [],
        }

    def _watch(self, pid: int, cpu_limit: float, deadline: float, stretch: float) -> str:
        """Waits for the child's end and brings it about when a limit is passed. Returns the limit's name.

        stretch: seconds by which each CPU second used puts the deadline off.
        """
        pidfd = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        poll.register(self._channel, select.POLLIN)
        clock = kernel.thread_group_cpu_clock(pid)
        used, killed = 0.0, ""
        try:
            while True:
                # With every core busy for the program, this is when its time could be over at the earliest.
                pause = max((cpu_limit - used) / self._cores, _MIN_POLL_SECONDS)
                left = 1.0 if killed else deadline + stretch * used - time.monotonic()
                ready = {fd for fd, _ in poll.poll(1000 * max(min(left, pause), 0.0) + 1)}
                if pidfd in ready:
                    return killed
                if self._channel.fileno() in ready:
                    self._heed_supervisor(pid)
                    killed = killed or "abort"
                used = _cpu_seconds(clock)
                if used > cpu_limit or time.monotonic() >= deadline + stretch * used:
                    killed = killed or ("cpu" if used > cpu_limit else "wall")
                if killed:
                    os.kill(pid, signal.SIGKILL)
        finally:
            os.close(pidfd)

    def _heed_supervisor(self, pid: int) -> None:
        """While a child runs, the supervisor only says "abort", or is gone."""
        if not self._channel.recv(65536):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            self._end_all_children()
            os._exit(0)

    def _end_all_children(self) -> None:
        """Kills and reaps whatever the program left behind; orphans are children of this process."""
        while True:
            try:
                if os.waitpid(-1, os.WNOHANG)[0]:
                    continue
            except ChildProcessError:
                return
            if self._children is None:
                os.kill(-1, signal.SIGKILL)
            else:
                for pid in os.pread(self._children, 65536, 0).split():
                    os.kill(int(pid), signal.SIGKILL)
            os.waitpid(-1, 0)


def _cpu_seconds(clock: int) -> float:
    try:
        return time.clock_gettime(clock)
    except OSError:
        return 0.0  # it has just ended
