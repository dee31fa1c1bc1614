"""Enters whatever namespaces the machine grants, and builds a root that holds only what programs need.

Nothing here is required: each layer is tried, and what was got is recorded for the isolation report.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from . import kernel

NOBODY = 65534
SCRATCH_BYTES = 256 * 2**20
SCRATCH_FILES = 1024
SCRATCH = "/box"
_HOST_NAME = "sandbox"

_KINDS = {
    "mount": kernel.CLONE_NEWNS,
    "pid": kernel.CLONE_NEWPID,
    "net": kernel.CLONE_NEWNET,
    "ipc": kernel.CLONE_NEWIPC,
    "uts": kernel.CLONE_NEWUTS,
}
_FLAG_OF_STATVFS = {
    os.ST_NOSUID: kernel.MS_NOSUID,
    os.ST_NODEV: kernel.MS_NODEV,
    os.ST_NOEXEC: kernel.MS_NOEXEC,
    os.ST_NOATIME: kernel.MS_NOATIME,
    os.ST_NODIRATIME: kernel.MS_NODIRATIME,
    os.ST_RELATIME: kernel.MS_RELATIME,
}


@dataclass(slots=True)
class Layers:
    """What was tried: name -> (active, detail). `without` names layers that must not be tried."""

    without: frozenset[str] = frozenset()
    states: dict[str, tuple[bool, str]] = field(default_factory=dict)

    def set(self, name: str, active: bool, detail: str) -> None:
        self.states[name] = (active, detail)

    def active(self, name: str) -> bool:
        return self.states.get(name, (False, ""))[0]

    def wanted(self, name: str) -> bool:
        if name in self.without:
            self.set(name, False, "switched off")
        return name not in self.without


def unshare_all(layers: Layers) -> None:
    """Leaves the caller's namespaces. The pid namespace begins with the next child."""
    try_user = layers.wanted("user")
    if os.geteuid() == 0 and _can_unshare_directly():
        layers.set("user", False, "not needed as root")
    elif try_user:
        _enter_user_namespace(layers)
    for name, flag in _KINDS.items():
        if layers.wanted(name):
            try:
                kernel.unshare(flag)
                if name == "uts":
                    socket.sethostname(_HOST_NAME)
                layers.set(name, True, "new namespace")
            except OSError as error:
                layers.set(name, False, error.strerror or str(error))


def _can_unshare_directly() -> bool:
    # A throw-away child tries, so that a refusal leaves no half-made state here.
    pid = os.fork()
    if pid == 0:
        try:
            kernel.unshare(kernel.CLONE_NEWNS)
            os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _enter_user_namespace(layers: Layers, proc_self: int | None = None) -> None:
    uid, gid = os.geteuid(), os.getegid()
    own_proc = os.open("/proc/self", os.O_RDONLY | os.O_DIRECTORY) if proc_self is None else proc_self
    try:
        kernel.unshare(kernel.CLONE_NEWUSER)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{NOBODY} {uid} 1"),
            ("gid_map", f"{NOBODY} {gid} 1"),
        ):
            fd = os.open(name, os.O_WRONLY, dir_fd=own_proc)
            try:
                os.write(fd, text.encode())
            finally:
                os.close(fd)
        layers.set("user", True, "new namespace")
    except OSError as error:
        layers.set("user", False, error.strerror or str(error))
    finally:
        os.close(own_proc)


def build_root(
    layers: Layers, mount_point: str, visible: Iterable[str], hidden: Iterable[str], libraries: Iterable[str]
) -> None:
    """Pivots into a root of `visible` paths, read-only, and a private tmpfs scratch at SCRATCH.

    Where that is refused the layer is not active; raises OSError only once there is no way back.

    mount_point: an existing directory. hidden: directories below visible ones that show up empty, except for
    `libraries`, shown after them.
    """
    if not layers.active("mount"):
        return
    if not layers.active("pid"):
        layers.set("mount", False, "needs the pid namespace")  # else /proc is needed to end stray processes
        return
    try:
        kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
        nosuid = kernel.MS_NOSUID | kernel.MS_NODEV
        kernel.mount("codesieve", mount_point, "tmpfs", nosuid, "size=1m,mode=0755")
        for path in visible:
            _show(mount_point, path)
        covered = [mount_point + path for path in hidden if Path(mount_point + path).is_dir()]
        for path in covered:
            kernel.mount("none", path, "tmpfs", nosuid, "size=64k,mode=0755")
        for path in libraries:
            _show(mount_point, path)
        for path in covered:
            kernel.mount("none", path, flags=kernel.MS_REMOUNT | kernel.MS_RDONLY | nosuid)
        scratch = Path(mount_point + SCRATCH)
        scratch.mkdir()
        options = f"size={SCRATCH_BYTES},nr_inodes={SCRATCH_FILES},mode=0700"
        kernel.mount("codesieve", str(scratch), "tmpfs", nosuid | kernel.MS_NOEXEC, options)
        os.chdir(mount_point)
        kernel.pivot_root_here()
    except OSError as error:
        layers.set("mount", False, str(error))
        return
    kernel.mount("none", "/", flags=kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | nosuid)
    layers.set("mount", True, "private read-only root, tmpfs scratch")


def _show(root: str, path: str) -> None:
    """Makes a host path visible below `root`: links as links, all else as a read-only bind mount."""
    target = Path(root + path)
    try:
        status = os.lstat(path)
    except OSError:
        return
    if os.path.lexists(target):
        return  # inside something that is shown already
    target.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(status.st_mode):
        target.symlink_to(Path(path).readlink())
        return
    if stat.S_ISDIR(status.st_mode):
        target.mkdir()
    else:
        target.touch()
    kernel.mount(path, str(target), flags=kernel.MS_BIND | kernel.MS_REC)
    # A user namespace may not clear flags it inherited, so they are carried over.
    inherited = os.statvfs(target).f_flag
    flags = sum(ms for st, ms in _FLAG_OF_STATVFS.items() if inherited & st)
    if stat.S_ISCHR(status.st_mode):
        flags &= ~kernel.MS_NODEV
    flags |= kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_RDONLY | kernel.MS_NOSUID
    kernel.mount("none", str(target), flags=flags)


def become_nobody(layers: Layers, readable: str, proc_self: int, scratch: int) -> None:
    """As real root: gives up root for good, when `readable` (the standard library) stays readable.

    proc_self: /proc/self, open; consumed. scratch: a directory, open, that goes to the new user. A user
    namespace is added where granted, so that the limit on processes counts this server's only.
    """
    # A user namespace maps one user, so there is no root to give up inside one.
    if os.geteuid() != 0 or not layers.wanted("uid"):
        layers.states.setdefault("uid", (os.geteuid() != 0, f"uid {os.geteuid()}"))
        os.close(proc_self)
        return
    if not _readable_as_nobody(readable):
        layers.set("uid", False, f"kept root: nobody cannot read {readable}")
        os.close(proc_self)
        return
    os.fchown(scratch, NOBODY, NOBODY)
    _drop_root()
    layers.set("uid", True, f"uid {NOBODY}")
    if "user" not in layers.without:
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else /proc/self would not be ours to write
        _enter_user_namespace(layers, proc_self)
    else:
        os.close(proc_self)


def _readable_as_nobody(path: str) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            _drop_root()
            with os.scandir(path) as entries:
                next(entries, None)
            with Path(os.__file__).open("rb"):
                os._exit(0)
        except OSError:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _drop_root() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def raise_oom_score() -> None:
    """If memory runs out, the kernel should end candidates first, not the driver or the model."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")
