"""Runs `convert.py` in a child process, so that torch and gigabytes of weights never enter this one."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

from solver.errors import UserError
from solver.models.progress import Progress

_SCRIPT = Path(__file__).with_name("convert.py")
_NEEDED = ("torch", "transformers", "accelerate", "gguf")
_POLL_SECONDS = 0.5


def require_converter() -> None:
    """Raises `UserError` when a package that conversion needs is not installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise UserError(
            f"converting a model needs {', '.join(missing)}; install them with `scripts/setup cpu` "
            "(or `pip install 'codesieve[cpu]'`)"
        )


def convert_in_child(gguf: Path, out: Path, expected_bytes: int, progress: Progress) -> dict[str, str]:
    """Convert one GGUF file into a Hugging Face directory in bfloat16; returns the versions used.

    Raises `UserError` when the file cannot be converted or memory runs out, `OSError` on a full disk.
    """
    progress.start("converting", expected_bytes)
    log = out.parent / "tmp-convert.log"
    with log.open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-P", str(_SCRIPT), str(gguf.absolute()), str(out)],
            stdin=subprocess.PIPE,  # closes when this process dies, and the child ends with it
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={
                **os.environ,
                "HF_HUB_OFFLINE": "1",
                "CUDA_VISIBLE_DEVICES": "",
                "TOKENIZERS_PARALLELISM": "false",
            },
            start_new_session=True,
        )
        try:
            reader = _Reader(child)
            while child.poll() is None:
                progress.advance(min(expected_bytes, int(reader.share * expected_bytes)))
                reader.join(_POLL_SECONDS)
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
    reader.join(None)
    if child.returncode != 0 or reader.versions is None:
        raise _failure(gguf, child.returncode, log.read_text(encoding="utf-8", errors="replace"))
    progress.advance(expected_bytes)
    progress.done()
    return reader.versions


class _Reader(threading.Thread):
    """Follows the child's reports: the share of the work done, from 0 to 1, and at the end the versions."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self.share = 0.0
        self.versions: dict[str, str] | None = None
        self._child = child
        self.start()

    def run(self) -> None:
        for line in self._child.stdout or ():
            try:
                report = json.loads(line)
            except ValueError:
                continue  # some library printed
            if isinstance(report, dict):
                self.share = float(report.get("share", self.share))
                self.versions = report.get("versions", self.versions)


def _failure(gguf: Path, code: int, log: str) -> Exception:
    if os.strerror(errno.ENOSPC) in log:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if code == -9 or "MemoryError" in log or "can't allocate memory" in log:
        return UserError(
            f"memory ran out while converting {gguf.name}; it needs about "
            f"{gguf.stat().st_size * 5.5 / 1e9 + 1:.0f} GB: close other programs or use a smaller model"
        )
    if "torchvision" in log:
        return UserError(
            f"an installed torchvision that does not match torch keeps transformers from loading; mend with "
            f"`{sys.executable} -m pip uninstall -y torchvision torchaudio torchcodec`"
        )
    lines = [line.strip() for line in log.splitlines() if line.strip() and "%|" not in line]
    reason = lines[-1][:300] if lines else f"the converter ended with code {code}"
    return UserError(f"cannot convert {gguf.name}: {reason}")
