"""Everything that shapes a run, as one validated record that is written beside the run's results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sandbox import languages
from solver.cascade import Level
from solver.errors import UserError

SamplerKind = Literal["vllm", "endpoint", "recorded"]
Positive = Annotated[int, Field(gt=0)]


class RunConfig(BaseModel):
    """One run of `solve`. Times are wall seconds, tokens are completion tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sampler: SamplerKind = "vllm"
    model: str = "qwen2.5-coder-1.5b"
    cascade: tuple[Level, ...] = ()
    accept: Annotated[float, Field(ge=0, le=1)] = 0.5
    base_url: str | None = None
    recorded: Path | None = None

    samples: Positive = 64
    samples_per_request: Positive = 4
    max_tokens: Annotated[int, Field(ge=16, le=32768)] = 768
    languages: tuple[str, ...] = ("python",)
    plans: tuple[str, ...] = ()
    plans_file: Path | None = None
    conditioning: bool = True
    temperature: tuple[float, float] = (0.6, 1.0)
    seed: int = 0

    submissions: Annotated[int, Field(ge=1, le=10)] = 10
    inputs: Annotated[int, Field(ge=0, le=1000)] = 20
    policy: str = "default"
    scorer: Path | None = None
    model_inputs: Annotated[int, Field(ge=0, le=1000)] = 0
    opinions: Annotated[int, Field(ge=0, le=100)] = 0
    distinguish: Annotated[int, Field(ge=0, le=100_000)] = 0
    time_factor: Annotated[float, Field(gt=0, le=100)] = 1.0

    max_seconds: Annotated[float, Field(gt=0)] | None = None
    max_total_tokens: Positive | None = None
    agreement: Annotated[int, Field(ge=0)] | None = None

    workers: Positive | None = None
    unsafe_no_isolation: bool = False
    tensor_parallel: Positive | None = None
    max_model_len: Positive | None = None
    concurrency: Positive = 8
    request_timeout: Annotated[float, Field(gt=0)] = 600.0

    @field_validator("temperature")
    @classmethod
    def _ascending(cls, bounds: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= bounds[0] <= bounds[1] <= 2:
            raise ValueError(f"{bounds[0]}:{bounds[1]} is not LOW:HIGH within 0 and 2")
        return bounds

    @model_validator(mode="after")
    def _opinions_where_needed(self) -> RunConfig:
        if self.policy in ("judge", "tournament") and not self.opinions:
            raise ValueError(f"--select {self.policy} needs --opinions N, the number of clusters to ask about")
        return self

    def at_level(self, number: int) -> RunConfig:
        """The same with the model of a level of the cascade."""
        return self.model_copy(update={"model": self.cascade[number].model})

    @field_validator("languages")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = ", ".join(sorted(languages()))
        if not names:
            raise ValueError(f"names no language; known: {known}")
        for name in names:
            if name not in languages():
                raise ValueError(f"unknown language {name!r}; known: {known}")
        return names


def make_config(**fields: object) -> RunConfig:
    """Raises `UserError` naming the option that is wrong."""
    try:
        return RunConfig.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = "--" + "-".join(str(part).replace("_", "-") for part in first["loc"][:1]) if first["loc"] else ""
        message = first["msg"].removeprefix("Value error, ")
        raise UserError(f"{where}: {message}".lstrip(": ")) from None
