"""What `--model` means: one of our names, a local directory, a GGUF file, or a hub id."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from solver.errors import UserError
from solver.models import cache
from solver.models.fetch import convert_gguf, fetch
from solver.models.progress import Progress
from solver.models.registry import find, names, registry

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth")
_IDENTITY = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json")


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model that vLLM can load.

    digest: the GGUF's SHA-256 for a named model or a GGUF file; for a directory, a SHA-256 over its
    configuration and the names and sizes of its weights; empty for a hub id.
    """

    path_or_hub_id: str
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One row of `solve models`. Sizes in bytes; `path` is None when the model is not cached."""

    name: str
    title: str
    parameters: int | None
    licence: str
    download_bytes: int
    disk_bytes: int
    path: str | None


def resolve(spec: str, progress: Progress | None = None) -> ResolvedModel:
    """Make the model that `spec` names ready to load, fetching or converting it first where that is needed.

    Our names (any case) win over files of the same name: `./name` is the file. Raises `UserError`.
    """
    if named := find(spec):
        return ResolvedModel(str(fetch(named, progress)), named.name, named.gguf_sha256)
    if not spec.strip():
        raise UserError(f"the model is empty; give one of {names()}, a hub id, a directory or a .gguf file")
    try:
        path = Path(spec).expanduser()
        is_directory, is_there = path.is_dir(), path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise UserError(f"cannot look at the model {spec[:100]!r}: {_reason(error)}") from error
    if is_directory:
        return ResolvedModel(str(path.absolute()), path.absolute().name, _directory_digest(path))
    if is_there:
        made = convert_gguf(path, progress)
        manifest = cache.read_manifest(made.name)
        return ResolvedModel(str(made), made.name, manifest.digest if manifest else "")
    if _looks_like_path(spec):
        raise UserError(f"no model at {spec}: no such file or directory")
    if _HUB_ID.fullmatch(spec):
        return ResolvedModel(spec, spec, "")
    raise UserError(
        f"unknown model {spec!r}; give one of {names()}, a hub id (org/name), a Hugging Face directory or a .gguf file"
    )


def list_models() -> list[ModelInfo]:
    """The named models, cached or not, then the converted GGUF files in the cache."""
    rows = []
    for model in registry():
        manifest = cache.read_manifest(model.name)
        rows.append(
            ModelInfo(
                name=model.name,
                title=model.title,
                parameters=model.parameters,
                licence=model.licence,
                download_bytes=model.gguf_bytes,
                disk_bytes=cache.size_on_disk(model.name) if manifest else model.disk_bytes,
                path=str(cache.model_dir(model.name)) if manifest else None,
            )
        )
    named = {model.name for model in registry()}
    for name in cache.cached_names():
        if name not in named:
            rows.append(
                ModelInfo(
                    name,
                    "converted GGUF file",
                    None,
                    "",
                    0,
                    cache.size_on_disk(name),
                    str(cache.model_dir(name)),
                )
            )
    return rows


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _looks_like_path(spec: str) -> bool:
    return spec.startswith(("/", "./", "../", "~")) or spec.lower().endswith(".gguf") or spec.count("/") > 1


def _directory_digest(path: Path) -> str:
    """Also checks that the directory is one that can be loaded."""
    try:
        config = json.loads((path / "config.json").read_bytes())
        if not isinstance(config, dict):
            raise ValueError("it is not an object")
        weights = sorted(file for pattern in _WEIGHTS for file in path.glob(pattern))
        digest = hashlib.sha256()
        for name in _IDENTITY:
            if (path / name).is_file():
                digest.update(name.encode() + b"\0" + (path / name).read_bytes() + b"\0")
        for file in weights:
            digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
    except FileNotFoundError as error:
        ggufs = sorted(file.name for file in path.glob("*.gguf"))
        hint = f"; to use its GGUF file, give {path / ggufs[0]}" if ggufs else ""
        raise UserError(f"{path} is not a model directory: it has no config.json{hint}") from error
    except ValueError as error:
        raise UserError(f"{path / 'config.json'} is not valid JSON: {error}") from error
    except OSError as error:
        raise UserError(f"cannot read the model directory {path}: {error.strerror}") from error
    if not weights:
        raise UserError(f"{path} is not a model directory: it has no weights (*.safetensors or *.bin)")
    return digest.hexdigest()
