"""What a directory of shards was sampled with, as one validated record beside its parts (`sampling.json`)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.datasets import DatasetSpec
from solver.config import RunConfig
from solver.errors import UserError
from solver.samplers.recordings import PART_BYTES, PartFormat

_FILE = "sampling.json"


class SampleConfig(BaseModel):
    """data: which problems. run: what is asked of the model. requests: (I, N): of each problem the requests whose
    number is I modulo N; None: all. form, part_bytes: of the parts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: DatasetSpec
    run: RunConfig
    requests: tuple[int, int] | None = None
    form: PartFormat = "jsonl"
    part_bytes: Annotated[int, Field(gt=0)] = PART_BYTES

    @property
    def shard(self) -> tuple[int, int]:
        """(I, N) of whatever is split; (0, 1) for the whole."""
        return self.requests or self.data.shard or (0, 1)


def make_sample_config(data: dict[str, object], run: RunConfig, **fields: object) -> SampleConfig:
    """Raises UserError naming what is wrong."""
    try:
        return SampleConfig.model_validate({"data": DatasetSpec.model_validate(data), "run": run, **fields})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{where}: {first['msg'].removeprefix('Value error, ')}".lstrip(": ")) from None


def write_sample_config(root: Path, config: SampleConfig) -> None:
    """Makes the directory. Raises UserError when it holds samples already or cannot be written."""
    path = root / _FILE
    if path.exists():
        raise UserError(f"{root}: already holds samples; go on with `solve sample --resume {root}`")
    try:
        root.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(config.model_dump_json(indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{root}: cannot be written ({error.strerror}); choose another --out") from None


def read_sample_config(root: Path) -> SampleConfig:
    """Raises UserError when the directory was not made by `solve sample`."""
    try:
        return SampleConfig.model_validate_json((root / _FILE).read_bytes())
    except OSError as error:
        raise UserError(
            f"{root}: not made by `solve sample` ({error.strerror}: {_FILE}); give the --out of one"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{root}/{_FILE}: damaged or of another version ({first['msg']})") from None


def recorded_anything(root: Path) -> bool:
    """Whether there is a sample, in a part or on its way into one."""
    return any(path.stat().st_size for path in (*root.glob("part-*"), *root.glob("open-*")))


def discard(root: Path) -> None:
    """A directory without samples can be begun anew; logs stay."""
    for path in (root / _FILE, root / "restarts", root / "skipped.jsonl"):
        path.unlink(missing_ok=True)
