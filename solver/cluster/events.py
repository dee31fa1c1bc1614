"""What becomes of nodes and actors, told to whoever keeps a record of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["joined", "lost", "drained"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an actor runs. node: Ray's id of the node."""

    node: str
    host: str
    pid: int

    def __str__(self) -> str:
        return f"{self.host} (node {self.node[:12]})"


@dataclass(frozen=True, slots=True)
class Event:
    """joined: an actor is ready. lost: it died, or its node did; what it was doing is done again elsewhere. drained:
    its node is not fit for this work and gets no more of it. role: `sandbox`, `model` or `recording`."""

    kind: Kind
    role: str
    place: Place
    detail: str

    def __str__(self) -> str:
        return f"{self.role} {self.kind}: {self.place}" + (f": {self.detail}" if self.detail else "")


OnEvent = Callable[[Event], None]
