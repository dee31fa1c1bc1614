"""The host as an attacker would like to find it: a secret, a victim, listeners, a place to write to.

Everything here is open to any user of the machine, so that nothing but the sandbox keeps an attack from it.
After each attack the scene says what was done to it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import secrets
import shutil
import socket
import struct
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from sandbox.selfcheck.attack import numbers
from sandbox.types import Outcome

_NOBODY = 65534  # whom root's programs run as: a victim of another user would prove little
_SO_NETNS_COOKIE = 71


class Scene:
    """A context manager. Raises OSError when the scene cannot be set up."""

    def __enter__(self) -> Scene:
        self.canary = f"canary-{secrets.token_hex(8)}"
        self._undo = contextlib.ExitStack()
        try:
            self._set_up()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._undo.close()

    def _set_up(self) -> None:
        place = Path(tempfile.mkdtemp(prefix="selfcheck-"))
        self._undo.callback(shutil.rmtree, place, ignore_errors=True)
        place.chmod(0o755)
        self._secret, self._bait = place / "secret", place / "bait"
        self._secret.write_text(f"{self.canary}\n")
        self._secret.chmod(0o644)
        self._bait.mkdir()
        self._bait.chmod(0o777)
        tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        path, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        for listener in (tcp, udp, path, abstract):
            self._undo.callback(listener.close)
            listener.setblocking(False)
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        path.bind(str(place / "socket"))
        (place / "socket").chmod(0o777)
        abstract.bind(f"\0{self.canary}")
        for listener in (tcp, path, abstract):
            listener.listen()
        self._listeners = {"TCP": tcp, "UNIX": path, "abstract UNIX": abstract}
        self._udp = udp
        self._victim = subprocess.Popen(
            ["sleep", "1000000"],
            env={"PATH": os.defpath, "CANARY": self.canary},
            user=_NOBODY if os.geteuid() == 0 else None,
            start_new_session=True,
        )
        self._undo.callback(self._victim.wait)
        self._undo.callback(self._victim.kill)
        self._words = {
            "@NR@": numbers(),
            "@SECRET@": str(self._secret),
            "@BAIT@": str(self._bait),
            "@VICTIM@": str(self._victim.pid),
            "@DRIVER@": str(os.getpid()),
            "@TCP@": str(tcp.getsockname()[1]),
            "@UDP@": str(udp.getsockname()[1]),
            "@SOCKET@": str(place / "socket"),
            "@ABSTRACT@": self.canary,
            "@HOSTNAME@": os.uname().nodename,
            "@COOKIE@": str(_network_cookie()),
            "@SEGMENT@": str(self._segment()),
        }
        self._hidden = [self.canary, *_first_line(Path("/etc/passwd"))]
        self._before = self._state()

    def _segment(self) -> int:
        """The key of a piece of System V shared memory that anybody may use."""
        libc = ctypes.CDLL(None, use_errno=True)
        key = secrets.randbelow(2**30) + 1
        segment = libc.shmget(key, 4096, 0o3666)  # IPC_CREAT, IPC_EXCL
        if segment == -1:
            return 0
        self._undo.callback(libc.shmctl, segment, 0, None)  # IPC_RMID
        return key

    @property
    def victim(self) -> int:
        """The victim's process id."""
        return self._victim.pid

    def fill(self, source: str) -> str:
        """The source with the scene's own names in the places of its placeholders."""
        for word, value in self._words.items():
            source = source.replace(word, value)
        return source

    def leaks(self, outcome: Outcome) -> list[str]:
        """What of the host shows up in an outcome."""
        text = outcome.output.decode("utf-8", "replace") + outcome.stderr
        # The abstract socket's name is the canary too, but a program that merely names it prints no path.
        return [f"the output holds {hidden[:40]!r}" for hidden in self._hidden if hidden in text]

    def damage(self) -> list[str]:
        """What was done to the host since the last call."""
        found = []
        for name, listener in self._listeners.items():
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                found.append(f"somebody connected to the {name} listener")
        with contextlib.suppress(BlockingIOError):
            self._udp.recv(100)
            found.append("somebody sent a datagram")
        now = self._state()
        found += [f"{what}: {was} before, {now[what]} now" for what, was in self._before.items() if now[what] != was]
        self._before = now
        return found

    def _state(self) -> dict[str, str]:
        pid = self._victim.pid
        status, text = self._secret.stat(), self._secret.read_text().strip()
        return {
            "the victim": _one_process(pid),
            "the secret": f"{text} {status.st_mode:o} {status.st_nlink} {status.st_mtime_ns}",
            "what lies in a public directory": " ".join(sorted(path.name for path in self._bait.iterdir())),
        }


def _one_process(pid: int) -> str:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        ways = (os.getpriority(os.PRIO_PROCESS, pid), sorted(os.sched_getaffinity(pid)), os.sched_getscheduler(pid))
        limits = "" if os.geteuid() else resource.prlimit(pid, resource.RLIMIT_CPU)
    except (OSError, IndexError):
        return "gone"
    stopped = state in "TtZX"
    return f"{'stopped' if stopped else 'alive'} {ways} {limits}"


def _network_cookie() -> int:
    with socket.socket(socket.AF_UNIX) as one:
        try:
            return int(struct.unpack("=Q", one.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8))[0])
        except OSError:
            return 0


def _first_line(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()[:1]
    except OSError:
        return []
