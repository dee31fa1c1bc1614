"""The model cache on disk: where it is, what counts as a complete model, one writer at a time.

    <cache>/models/<name>/            a complete model: a Hugging Face directory and manifest.json
    <cache>/models/.partial/<name>/   work in progress: parts kept for the next try, and tmp-* that are not
    <cache>/models/.locks/<name>      held by the process that works on <name>

A model directory appears by one rename of a finished directory. One without a valid manifest is never used.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import platformdirs
from pydantic import BaseModel, ConfigDict, ValidationError

from solver.errors import UserError
from solver.models.progress import Progress, Silent

MANIFEST = "manifest.json"


class Manifest(BaseModel):
    """Says that a cached model is complete, and what it was made of. `digest` is the GGUF's SHA-256."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: str = "codesieve-model/1"
    name: str
    digest: str
    files: dict[str, int]
    versions: dict[str, str]


def cache_root() -> Path:
    """`$CODESIEVE_CACHE`, else `codesieve` in the user's cache directory (XDG)."""
    chosen = os.environ.get("CODESIEVE_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else Path(platformdirs.user_cache_dir("codesieve"))


def models_dir() -> Path:
    return cache_root() / "models"


def model_dir(name: str) -> Path:
    return models_dir() / name


def partial_dir(name: str) -> Path:
    return models_dir() / ".partial" / name


def read_manifest(name: str) -> Manifest | None:
    """The manifest of a complete cached model; None when it is absent or a listed file is not as listed."""
    directory = model_dir(name)
    try:
        manifest = Manifest.model_validate_json((directory / MANIFEST).read_bytes())
        complete = all((directory / file).stat().st_size == size for file, size in manifest.files.items())
    except (OSError, ValidationError):
        return None
    return manifest if complete and "config.json" in manifest.files else None


def cached_names() -> list[str]:
    """Names of the complete models in the cache."""
    try:
        found = sorted(path.name for path in models_dir().iterdir() if not path.name.startswith("."))
    except OSError:
        return []
    return [name for name in found if read_manifest(name)]


def size_on_disk(name: str) -> int:
    """Bytes of a cached model."""
    return sum(path.stat().st_size for path in model_dir(name).rglob("*") if path.is_file())


def publish(made: Path, name: str, digest: str, versions: dict[str, str]) -> Path:
    """Turn the finished directory `made` into the cached model `name`, by one rename. Hold the lock."""
    for path in made.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            _flush(path)
    files = {str(path.relative_to(made)): path.stat().st_size for path in sorted(made.rglob("*")) if path.is_file()}
    manifest = Manifest(name=name, digest=digest, files=files, versions=versions)
    (made / MANIFEST).write_text(json.dumps(manifest.model_dump(), indent=2) + "\n", encoding="utf-8")
    _flush(made / MANIFEST)
    final = model_dir(name)
    discard(final)
    made.replace(final)
    return final


def discard(path: Path) -> None:
    """Delete a directory so that no half of it is ever seen under its own name."""
    if not path.exists():
        return
    trash = Path(tempfile.mkdtemp(prefix=".trash-", dir=path.parent))
    path.replace(trash / path.name)
    shutil.rmtree(trash, ignore_errors=True)


def remove(name: str) -> Path:
    """Delete a cached model and anything half-fetched of it. Raises `UserError` when there is nothing."""
    if name.startswith(".") or Path(name).name != name:
        raise UserError(f"{name!r} is not the name of a cached model; `solve models` lists them")
    directory, partial = model_dir(name), partial_dir(name)
    if not (directory.exists() or partial.exists()):
        raise UserError(f"{name} is not in the cache {models_dir()}; `solve models` lists what is")
    with locked(name, Silent()):
        discard(directory)
        shutil.rmtree(partial, ignore_errors=True)
    return directory


@contextmanager
def locked(name: str, progress: Progress) -> Iterator[Path]:
    """Hold the lock of one model; yields its clean partial directory. Raises `UserError` when the cache
    cannot be written. A lock dies with its process, so what a dead one left behind is swept here."""
    partial = partial_dir(name)
    lock = filelock.FileLock(models_dir() / ".locks" / name)
    try:
        Path(lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            progress.note(f"another process is working on {name}; waiting for it")
            lock.acquire()
        sweep(partial)
        partial.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        lock.release()
        raise UserError(
            f"cannot write to the model cache {models_dir()}: {error.strerror}; "
            "set CODESIEVE_CACHE to a directory of yours"
        ) from error
    try:
        yield partial
    finally:
        if partial.exists():
            sweep(partial)
            if not any(partial.iterdir()):
                partial.rmdir()
        lock.release()


def sweep(partial: Path) -> None:
    """Delete what only a running process needs; finished parts stay for the next try."""
    for left in [*partial.glob("tmp-*"), *models_dir().glob(".trash-*")]:
        shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def require_space(need_bytes: int, what: str) -> None:
    """Raises `UserError` when the disk of the cache has less than `need_bytes` free."""
    place = models_dir()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < need_bytes:
        raise UserError(
            f"{what} needs {need_bytes / 1e9:.1f} GB of disk and {cache_root()} has {free / 1e9:.1f} GB "
            "free; free some or set CODESIEVE_CACHE to a larger disk"
        )


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
