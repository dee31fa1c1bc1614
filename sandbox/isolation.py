"""What confines programs on this machine, as probed and not as assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of confinement: whether it holds, and what it is or why it does not."""

    active: bool
    detail: str


@dataclass(frozen=True, slots=True)
class IsolationReport:
    """Layers by name: landlock, seccomp, rlimits, no_new_privs, uid, cgroup, and the namespaces user, mount, pid,
    net, ipc, uts."""

    layers: Mapping[str, Layer]

    def active(self, name: str) -> bool:
        """Whether the layer holds."""
        layer = self.layers.get(name)
        return layer is not None and layer.active

    @property
    def floor_reached(self) -> bool:
        """Landlock or namespaces (mount, pid and net), plus seccomp, plus resource limits."""
        namespaces = all(self.active(name) for name in ("mount", "pid", "net"))
        return (self.active("landlock") or namespaces) and self.active("seccomp") and self.active("rlimits")

    @property
    def summary(self) -> str:
        """One line: the active layers, then the missing ones with their reasons."""
        active = [name for name, layer in self.layers.items() if layer.active]
        missing = [f"{name} ({layer.detail})" for name, layer in self.layers.items() if not layer.active]
        text = "active: " + (", ".join(active) or "none")
        return f"{text}; missing: {', '.join(missing)}" if missing else text
