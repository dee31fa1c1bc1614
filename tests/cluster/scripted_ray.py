"""Ray as far as a crew sees it, in this process: actors are plain objects whose methods are tasks.

The test decides which nodes there are and what happens on them. Real Ray is in test_on_ray.py.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from sandbox import Layer, Limits, Outcome, Program, Verdict
from solver.cluster.crew import Unfit
from solver.cluster.events import Place
from solver.cluster.replica_actor import OpenReplica, ReplicaActor
from solver.cluster.sandbox_actor import OpenSandbox

LAYERS = {name: Layer(True, "yes") for name in ("landlock", "seccomp", "rlimits")}


class RayError(Exception):
    pass


class Node:
    """A machine with room for so many actors. does: what comes of a run there."""

    def __init__(self, name: str, does: Callable[[Any], Any] = lambda asked: Outcome(Verdict.OK), room: int = 1):
        self.name = name
        self.does = does
        self.room = room
        self.dead = False
        self.unfit = ""
        self.languages = frozenset(("python", "cpp"))
        self.layers = dict(LAYERS)
        self.check_says: str | None = None
        self.dies_opening = False
        self.ran: list[Any] = []
        self.room_for_samples = 8
        self.actors: list[Actor] = []


class Ray:
    """The module."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, *nodes: Node) -> None:
        self.nodes = list(nodes)
        self.pending: list[Actor] = []
        self.started = 0

    def remote(self, kind: type) -> Any:
        return SimpleNamespace(
            options=lambda **options: SimpleNamespace(remote=lambda *a, **k: self.spawn(kind, options, k))
        )

    def spawn(self, kind: type, options: dict[str, Any], made_with: dict[str, Any]) -> Actor:
        actor = Actor(kind, options, made_with)
        self.pending.append(actor)
        self.place()
        return actor

    def place(self) -> None:
        for actor in list(self.pending):
            away = actor.options.get("label_selector", {}).get("ray.io/node-id", "")
            for node in self.nodes:
                if not node.dead and len(node.actors) < node.room and node.name not in away:
                    self.pending.remove(actor)
                    node.actors.append(actor)
                    self.started += 1
                    actor.placed.set_result(node)
                    break

    def join(self, node: Node) -> None:
        self.nodes.append(node)
        self.place()

    def lose(self, node: Node) -> None:
        """With all that runs there."""
        node.dead = True
        for actor in list(node.actors):
            self.kill(actor)

    def kill(self, actor: Actor) -> None:
        actor.dead.set()
        if actor in self.pending:
            self.pending.remove(actor)
        for node in self.nodes:
            if actor in node.actors:
                node.actors.remove(actor)
        self.place()

    def cancel(self, call: Any) -> None:
        call.cancel()


class Actor:
    def __init__(self, kind: type, options: dict[str, Any], made_with: dict[str, Any]) -> None:
        self.kind = kind
        self.options = options
        self.made_with = made_with
        self.dead = asyncio.Event()
        self.placed: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
        for name in ("where", "open", "check", "run", "answer"):
            method = getattr(self, f"_{name}")
            setattr(self, name, SimpleNamespace(remote=functools.partial(self._call, method)))

    def _call(self, method: Callable[..., Any], *arguments: Any) -> asyncio.Future[Any]:
        return asyncio.ensure_future(self._alive(method(*arguments)))

    async def _alive(self, work: Any) -> Any:
        task, death = asyncio.ensure_future(work), asyncio.ensure_future(self.dead.wait())
        try:
            await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
            if self.dead.is_set():
                raise RayError("the actor died")
            return task.result()
        finally:
            task.cancel()
            death.cancel()

    async def _where(self) -> Place:
        return Place((await self.placed).name, "host", 1)

    async def _open(self) -> Any:
        node = await self.placed
        if node.dies_opening:
            raise RayError("the actor died: out of memory")
        if node.unfit:
            return Unfit(node.unfit)
        if self.kind is ReplicaActor:
            return OpenReplica("a-model", node.room_for_samples)
        return OpenSandbox(1, node.layers, node.languages)

    async def _check(self) -> Any:
        says = (await self.placed).check_says
        return Unfit(says) if says else None

    async def _run(self, asked: Any, *rest: Any) -> Any:
        node = await self.placed
        node.ran.append(asked)
        await asyncio.sleep(0)
        outcome = node.does(asked)
        return await outcome if asyncio.iscoroutine(outcome) else outcome

    _answer = _run


def program(source: str = "print(1)", language: str = "python") -> Program:
    return Program(language, source)


LIMITS = Limits()
