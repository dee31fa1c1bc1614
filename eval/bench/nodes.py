"""What became of a cluster's nodes during a run: kept a line each beside the run, told in progress and report."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Any

from eval.bench.layout import BenchDirectory
from solver.cluster.events import Event, Place


class NodeRecord:
    """Appends to nodes.jsonl."""

    def __init__(self, bench: BenchDirectory) -> None:
        self._path = bench.nodes
        self._here: list[tuple[str, Place]] = []
        self._drained: dict[str, str] = {}

    def add(self, event: Event) -> None:
        role, place = event.role, event.place
        if event.kind == "joined":
            self._here.append((role, place))
        elif event.kind == "lost":
            self._here = [one for one in self._here if one != (role, place)]
        else:
            self._here = [one for one in self._here if (one[0], one[1].node) != (role, place.node)]
            self._drained[f"{role} {place}"] = event.detail
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(event)) + "\n")

    def all_ended(self) -> None:
        """We ended the actors ourselves."""
        self._here = []

    def line(self) -> str:
        """As things are."""
        here = [f"{count} {role}" for role, count in Counter(role for role, _ in self._here).items()]
        away = [f"drained {name}: {reason}" for name, reason in self._drained.items()]
        return " · ".join(["actors: " + (", ".join(here) or "none"), *away])


def cluster_figures(bench: BenchDirectory) -> dict[str, Any] | None:
    """Of all sessions; None when the run never was on a cluster. A line that was cut short counts for nothing."""
    if not bench.nodes.exists():
        return None
    events = []
    for line in bench.nodes.read_text("utf-8").splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    joined = [event for event in events if event["kind"] == "joined"]
    return {
        "nodes": len({event["place"]["node"] for event in joined if event["role"] != "recording"}),
        "actors": dict(Counter(event["role"] for event in joined)),
        "lost": dict(Counter(event["role"] for event in events if event["kind"] == "lost")),
        "drained": [
            {"host": e["place"]["host"], "node": e["place"]["node"], "role": e["role"], "reason": e["detail"]}
            for e in events
            if e["kind"] == "drained"
        ],
    }


def told(figures: dict[str, Any]) -> str:
    """In one line."""
    parts = [f"{figures['nodes']} nodes"]
    parts += [f"{count} {role} actors lost" for role, count in figures["lost"].items()]
    parts += [f"drained {one['host']} (node {one['node'][:12]}): {one['reason']}" for one in figures["drained"]]
    return "; ".join(parts)
