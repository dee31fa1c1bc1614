"""The three settings of the self-check: as root, as an ordinary user, and that without user namespaces.

Nothing is simulated: root starts a copy of what is needed under a user of its own, and user namespaces are
switched off by entering one in which the kernel grants no further ones.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sandbox.zygote import kernel

SETTINGS = ("root", "user", "no-userns")
_PACKAGE = "sandbox"
_PLACES = ("site-packages", "dist-packages")
UID = 54_321  # nobody's: not even root's programs run as this user


class SettingUnavailable(RuntimeError):
    """This setting cannot be had here. The message is one line."""


@contextlib.contextmanager
def command(setting: str, arguments: list[str]) -> Iterator[tuple[list[str], dict[str, object]]]:
    """A command line and options for subprocess that run this module in a setting, with `--as here`.

    Raises SettingUnavailable.
    """
    root = os.geteuid() == 0
    inside = ["-m", "sandbox.selfcheck", "--as", "here", "--label", setting, *arguments]
    if setting == "root" and not root:
        raise SettingUnavailable("not started as root")
    if setting == "no-userns":
        inside = ["-m", "sandbox.selfcheck.settings", *inside]
    if setting == "root" or not root:
        yield [sys.executable, *inside], {}
        return
    with tempfile.TemporaryDirectory(prefix="selfcheck-") as name:
        place = Path(name)
        place.chmod(0o755)
        library, home = place / "library", place / "home"
        home.mkdir()
        os.chown(home, UID, UID)
        _copy_packages(library)
        options: dict[str, object] = {
            "user": UID,
            "group": UID,
            "extra_groups": [],
            "cwd": "/",
            "env": {
                "HOME": str(home),
                "TMPDIR": str(home),
                "PATH": "/usr/local/bin:/usr/bin:/bin",
                "PYTHONPATH": str(library),
                "PYTHONDONTWRITEBYTECODE": "1",
            },
        }
        home.chmod(0o711)
        yield [_python(options), *inside], options


def _copy_packages(library: Path) -> None:
    """Copies this package and every installed one that it has loaded."""
    library.mkdir()
    for name in {name.partition(".")[0] for name in sys.modules}:
        origin = getattr(sys.modules.get(name), "__file__", None)
        path = Path(origin) if origin else None
        if path is None or not (name == _PACKAGE or path.parent.name in _PLACES or path.parent.parent.name in _PLACES):
            continue
        if path.parent.name in _PLACES:
            shutil.copy(path, library)
        else:
            shutil.copytree(path.parent, library / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (library, *library.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))


def _python(options: dict[str, object]) -> str:
    """A Python of this version that the other user can run. Raises SettingUnavailable."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    base = str(getattr(sys, "_base_executable", None) or sys.executable)
    for candidate in (base, f"/usr/local/bin/python{version}", f"/usr/bin/python{version}"):
        test = [candidate, "-c", "import sys, msgspec; print(*sys.version_info[:2], sep='.')"]
        try:
            answer = subprocess.run(test, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload]
        except OSError:
            continue
        if answer.stdout.strip() == version:
            return candidate
    raise SettingUnavailable(f"no Python {version} that an ordinary user could run: install python{version}")


def switch_off_user_namespaces() -> None:
    """Enters a user namespace, as the same user, in which there can be no others. Undone by nothing.

    Where the machine grants none there is nothing to switch off. Raises OSError.
    """
    uid, gid = os.geteuid(), os.getegid()
    try:
        kernel.unshare(kernel.CLONE_NEWUSER)
    except OSError:
        return
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        Path(f"/proc/self/{name}").write_text(text)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")


def main() -> None:
    """Switches user namespaces off, then becomes the interpreter with the given arguments."""
    try:
        switch_off_user_namespaces()
    except OSError as error:
        sys.exit(f"cannot switch user namespaces off: {error}")
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])  # which gives up the new namespace's capabilities


if __name__ == "__main__":
    main()
