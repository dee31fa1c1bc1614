"""What a benchmark run is made of, as one validated record beside its results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from eval.bench.layout import BenchDirectory
from eval.datasets import DatasetSpec
from solver.cluster.config import ClusterConfig
from solver.config import RunConfig
from solver.errors import UserError

Ks = Annotated[tuple[Annotated[int, Field(ge=1, le=10)], ...], Field(min_length=1)]


class BenchConfig(BaseModel):
    """data: which problems. run: how each is solved. ks: numbers of submissions that figures are made for.

    extra_tests: inputs a problem, made with reference solutions after the judge, for the false-positive rate. cluster:
    where it runs, None for this machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: DatasetSpec
    run: RunConfig
    ks: Ks = (1, 10)
    extra_tests: Annotated[int, Field(ge=0, le=1000)] = 0
    cluster: ClusterConfig | None = None

    @field_validator("ks")
    @classmethod
    def _ascending(cls, ks: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(ks)))


def make_bench_config(data: dict[str, object], run: RunConfig, **fields: object) -> BenchConfig:
    """Raises UserError naming what is wrong."""
    try:
        return BenchConfig(data=DatasetSpec.model_validate(data), run=run, **fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{where}: {first['msg'].removeprefix('Value error, ')}".lstrip(": ")) from None


def write_config(bench: BenchDirectory, config: BenchConfig) -> None:
    """Makes the directory. Raises UserError when it holds a benchmark run already or cannot be written."""
    if bench.config.exists():
        raise UserError(f"{bench.root}: already holds a benchmark run; go on with `solve bench --resume {bench.root}`")
    try:
        bench.problems.mkdir(parents=True, exist_ok=True)
        _write(bench, config)
    except OSError as error:
        raise UserError(f"{bench.root}: cannot be written ({error.strerror}); choose another --out") from None


def resumed_config(root: Path, workers: int | None) -> BenchConfig:
    """Of a run to go on with, on a machine that may have other cores. workers: None for as many as before.

    Raises UserError when the directory is no benchmark run or cannot be written.
    """
    config = read_config(root)
    if workers in (None, config.run.workers):
        return config
    config = config.model_copy(update={"run": config.run.model_copy(update={"workers": workers})})
    try:
        _write(BenchDirectory(root), config)  # the judge reads it there
    except OSError as error:
        raise UserError(f"{root}: cannot be written ({error.strerror}); mend that, then go on") from None
    return config


def _write(bench: BenchDirectory, config: BenchConfig) -> None:
    temporary = bench.config.with_suffix(".tmp")
    temporary.write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
    temporary.replace(bench.config)


def read_config(root: Path) -> BenchConfig:
    """Raises UserError when the directory is no benchmark run."""
    try:
        return BenchConfig.model_validate_json(BenchDirectory(root).config.read_bytes())
    except OSError as error:
        raise UserError(f"{root}: not a benchmark run ({error.strerror}: bench.json); give the --out of one") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{root}/bench.json: damaged or of another version ({first['msg']})") from None
