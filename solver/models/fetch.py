"""Brings a named model, or a GGUF file of the user's, into the cache: download, verify, convert, publish."""

from __future__ import annotations

import errno
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from solver.errors import UserError
from solver.models import cache, parts
from solver.models.conversion import convert_in_child, require_converter
from solver.models.progress import Progress, Silent
from solver.models.registry import NamedModel, find_or_fail

Converter = Callable[[Path, Path, int, Progress], dict[str, str]]
"""(GGUF file, directory to fill, expected bytes, progress) -> versions of what converted it."""

_SLACK_BYTES = 100 * 2**20
_BLOCK = 2**20
_BF16_PER_GGUF_BYTE = 3.6  # a four-bit GGUF has about 4.5 bits a weight, bfloat16 has 16


def fetch(
    name: str | NamedModel,
    progress: Progress | None = None,
    *,
    convert: Converter | None = None,
    keep_gguf: bool = False,
) -> Path:
    """The directory of a named model in the cache; fetched and converted first when it is not there.

    Safe when several processes do it at once (one works, the others wait) and after a crash (verified parts
    are kept). Raises `UserError`: unknown name, no network, wrong checksum, full disk, missing packages.
    """
    model = name if isinstance(name, NamedModel) else find_or_fail(name)
    progress = progress or Silent()
    if _is_cached(model.name, model.gguf_sha256):
        return cache.model_dir(model.name)
    if convert is None:
        require_converter()
    with cache.locked(model.name, progress) as partial:
        if _is_cached(model.name, model.gguf_sha256):
            return cache.model_dir(model.name)
        gguf = partial / "model.gguf"
        with _DiskFull(model.name, partial):
            if not gguf.exists():
                held = parts.held_bytes(partial)
                peak = max(2 * model.gguf_bytes, model.gguf_bytes + model.disk_bytes) - held
                cache.require_space(peak + _SLACK_BYTES, f"fetching {model.name}")
                files = parts.download(model, partial, progress)
                parts.assemble(model, files, gguf, progress)
            final = _build(gguf, model.name, model.gguf_sha256, model.disk_bytes, partial, progress, convert)
        if keep_gguf:
            gguf.replace(final / "model.gguf")
        else:
            gguf.unlink()
    return final


def convert_gguf(path: Path, progress: Progress | None = None, *, convert: Converter | None = None) -> Path:
    """The cached conversion of a GGUF file, made first when it is not there; keyed by the file's content.

    Raises `UserError`: not a GGUF file, unreadable, full disk, missing packages, unsupported architecture.
    """
    progress = progress or Silent()
    digest = _hash_gguf(path, progress)
    name = gguf_cache_name(path, digest)
    if _is_cached(name, digest):
        return cache.model_dir(name)
    if convert is None:
        require_converter()
    with cache.locked(name, progress) as partial:
        if _is_cached(name, digest):
            return cache.model_dir(name)
        expected = int(path.stat().st_size * _BF16_PER_GGUF_BYTE)
        cache.require_space(expected + _SLACK_BYTES, f"converting {path.name}")
        with _DiskFull(path.name, partial):
            return _build(path, name, digest, expected, partial, progress, convert)


def gguf_cache_name(path: Path, digest: str) -> str:
    stem = "".join(c if c.isalnum() or c in "._-" else "-" for c in path.stem.lower()).lstrip(".-") or "model"
    return f"{stem[:60]}-{digest[:12]}"


def _is_cached(name: str, digest: str) -> bool:
    manifest = cache.read_manifest(name)
    return manifest is not None and manifest.digest == digest


def _build(
    gguf: Path,
    name: str,
    digest: str,
    bytes_: int,
    partial: Path,
    progress: Progress,
    convert: Converter | None,
) -> Path:
    cache.require_space(bytes_ + _SLACK_BYTES, f"converting {name}")
    made = Path(tempfile.mkdtemp(prefix="tmp-", dir=partial))
    versions = (convert or convert_in_child)(gguf, made, bytes_, progress)
    made.chmod(0o755)
    return cache.publish(made, name, digest, versions)


def _hash_gguf(path: Path, progress: Progress) -> str:
    try:
        with path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise UserError(f"{path} is not a GGUF file (it does not begin with `GGUF`)")
            file.seek(0)
            progress.start(f"reading {path.name}", path.stat().st_size)
            digest, done = hashlib.sha256(), 0
            while block := file.read(_BLOCK):
                digest.update(block)
                done += len(block)
                progress.advance(done)
    except OSError as error:
        raise UserError(f"cannot read the model file {path}: {error.strerror}") from error
    progress.done()
    return digest.hexdigest()


class _DiskFull:
    """Turns ENOSPC into one line, after giving back what the unfinished model took."""

    def __init__(self, what: str, partial: Path) -> None:
        self._what, self._partial = what, partial

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            shutil.rmtree(self._partial, ignore_errors=True)
            raise UserError(
                f"the disk of {cache.cache_root()} is full, {self._what} was not stored and nothing of it "
                "is left; free some space or set CODESIEVE_CACHE to a larger disk"
            ) from error
        raise UserError(
            f"cannot store {self._what} in {cache.cache_root()}: {error.strerror or error}; "
            "set CODESIEVE_CACHE to another directory"
        ) from error
