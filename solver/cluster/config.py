"""Which cluster, and what of it a run may use: plain data, kept beside the run's results."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ClusterConfig(BaseModel):
    """address: `HOST:PORT` of the head, or `auto`. sandbox_cpus: CPUs, and programs at once, of one sandbox actor;
    None: as many as the smallest node has, 8 at most. most_sandboxes: actors, None for as many as fit.
    gpus_per_replica, cpus_per_replica: of one replica of the model; it counts for no CPUs, as sandboxes take them all.
    wait_seconds: for the first sandbox and replica, and for another one once all are lost.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = "auto"
    sandbox_cpus: Annotated[int | None, Field(ge=1)] = None
    most_sandboxes: Annotated[int | None, Field(ge=1)] = None
    replicas: Annotated[int, Field(ge=1)] = 1
    gpus_per_replica: Annotated[int, Field(ge=0)] = 1
    cpus_per_replica: Annotated[int, Field(ge=0)] = 0
    wait_seconds: Annotated[float, Field(gt=0)] = 120.0
