"""The sandbox of a cluster, on nodes that die, lie and come late. Ray itself is scripted here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sandbox import Layer, Outcome, SandboxUnavailable, ToolchainMissing, Verdict
from solver.cluster import sandboxes
from solver.cluster.crew import Unfit
from solver.cluster.events import Event
from solver.cluster.sandbox_actor import Refused
from tests.cluster.scripted_ray import LIMITS, Node, Ray, program

IE = Outcome(Verdict.IE, stderr="no space left")


@asynccontextmanager
async def sandbox_on(ray: Ray, **more: Any) -> AsyncIterator[tuple[sandboxes.RaySandbox, list[Event]]]:
    events: list[Event] = []
    fields = {"cpus": 1, "most": 100, "wanted": ("python",), "allow_unsafe": False, "wait_seconds": 2.0, **more}
    async with asyncio.timeout(20):
        async with sandboxes.RaySandbox(ray, on_event=events.append, **fields) as sandbox:
            yield sandbox, events


async def run(sandbox: sandboxes.RaySandbox, source: str = "print(1)", language: str = "python") -> Outcome:
    return await sandbox.run(program(source, language), b"", LIMITS)


async def settled(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def told(events: list[Event], kind: str) -> list[tuple[str, str]]:
    return [(event.place.node, event.detail) for event in events if event.kind == kind]


async def test_one_actor_more_than_there_is_room_for_waits_and_never_two() -> None:
    ray = Ray(Node("a"), Node("b", room=2))
    async with sandbox_on(ray) as (sandbox, _):
        await settled(lambda: sandbox.workers == 3)
        await asyncio.sleep(0.1)
        assert len(ray.pending) == 1
    assert ray.pending == []


async def test_no_more_actors_than_were_allowed() -> None:
    ray = Ray(Node("a", room=10))
    async with sandbox_on(ray, most=2) as (sandbox, _):
        await settled(lambda: sandbox.workers == 2)
        await asyncio.sleep(0.1)
        assert (ray.started, ray.pending) == (2, [])


async def test_a_node_that_joins_late_is_given_work() -> None:
    ray = Ray(Node("a"))
    async with sandbox_on(ray) as (sandbox, _):
        late = Node("late")
        ray.join(late)
        await settled(lambda: sandbox.workers == 2)
        await asyncio.gather(*(run(sandbox, f"print({i})") for i in range(20)))
        assert late.ran


async def test_what_a_lost_node_had_in_hand_is_run_elsewhere_and_answered_once() -> None:
    async def never(_: Any) -> Outcome:
        await asyncio.sleep(100)
        raise AssertionError

    doomed, other = Node("doomed", lambda p: never(p)), Node("other", lambda p: Outcome(Verdict.OK, b"right"))
    ray = Ray(doomed, other)
    async with sandbox_on(ray) as (sandbox, events):
        await settled(lambda: sandbox.workers == 2)
        runs = [asyncio.create_task(run(sandbox, f"print({i})")) for i in range(10)]
        await settled(lambda: len(doomed.ran) == 2)
        ray.lose(doomed)
        outcomes = await asyncio.gather(*runs)
        assert [outcome.output for outcome in outcomes] == [b"right"] * 10
        assert [node for node, _ in told(events, "lost")] == ["doomed"]


async def test_a_program_that_kills_every_node_ends_as_an_internal_error() -> None:
    ray = Ray()

    async def kill(_: Any) -> Outcome:
        ray.lose(next(node for node in ray.nodes if not node.dead))
        await asyncio.sleep(100)
        raise AssertionError

    for i in range(9):
        ray.join(Node(str(i), lambda p: kill(p)))
    async with sandbox_on(ray, most=1) as (sandbox, _):
        assert (await run(sandbox)).verdict is Verdict.IE
        assert sum(node.dead for node in ray.nodes) == sandboxes.MOST_LOSSES


async def test_a_node_below_the_floor_is_drained_named_and_never_asked_again() -> None:
    weak, strong = Node("weak"), Node("strong")
    weak.unfit = "this machine cannot confine programs"
    ray = Ray(weak, strong)
    async with sandbox_on(ray) as (sandbox, events):
        await settled(lambda: len(ray.pending) == 1)
        assert ray.pending[0].options["label_selector"] == {"ray.io/node-id": "!in(weak)"}
        await run(sandbox)
        assert (weak.ran, told(events, "drained")) == ([], [("weak", weak.unfit)])


async def test_a_toolchain_that_breaks_in_the_middle_drains_the_node_and_the_run_goes_on() -> None:
    broken = Node("broken", lambda p: Unfit("g++ does not work inside the sandbox"))
    ray = Ray(broken, Node("other"))
    async with sandbox_on(ray) as (sandbox, events):
        outcomes = await asyncio.gather(*(run(sandbox, f"print({i})") for i in range(8)))
        assert {outcome.verdict for outcome in outcomes} == {Verdict.OK}
        assert [node for node, _ in told(events, "drained")] == ["broken"]


async def test_a_node_whose_disk_is_full_fails_its_own_trial_and_is_drained() -> None:
    full, other = Node("full", lambda p: IE), Node("other")
    full.check_says = "disk full: 0 MiB are left in /tmp"
    ray = Ray(full, other)
    async with sandbox_on(ray) as (sandbox, events):
        await settled(lambda: sandbox.workers == 2)
        outcomes = await asyncio.gather(*(run(sandbox, f"print({i})") for i in range(8)))
        await settled(lambda: bool(told(events, "drained")))
        assert {outcome.verdict for outcome in outcomes} == {Verdict.OK}
        assert told(events, "drained") == [("full", full.check_says)]


async def test_a_node_whose_errors_are_none_elsewhere_is_drained_though_its_trial_passes() -> None:
    flaky = Node("flaky", lambda p: IE)
    ray = Ray(flaky, Node("other"))
    async with sandbox_on(ray) as (sandbox, events):
        await settled(lambda: sandbox.workers == 2)
        for i in range(60):
            assert (await run(sandbox, f"print({i})")).verdict is Verdict.OK
        ((node, reason),) = told(events, "drained")
        assert node == "flaky"
        assert "did not elsewhere" in reason


async def test_an_error_that_every_node_makes_is_reported_and_drains_nobody() -> None:
    ray = Ray(Node("a", lambda p: IE), Node("b", lambda p: IE))
    async with sandbox_on(ray) as (sandbox, events):
        await settled(lambda: sandbox.workers == 2)
        for i in range(30):
            assert (await run(sandbox, f"print({i})")).verdict is Verdict.IE
        assert told(events, "drained") == []


async def test_an_error_is_tried_on_another_node_not_on_another_actor_of_the_same() -> None:
    flaky, other = Node("flaky", lambda p: IE, room=3), Node("other")
    ray = Ray(flaky)
    async with sandbox_on(ray) as (sandbox, _):
        await settled(lambda: sandbox.workers == 3)
        ray.join(other)
        await settled(lambda: sandbox.workers == 4)
        for i in range(5):
            assert (await run(sandbox, f"print({i})")).verdict is Verdict.OK


async def test_errors_that_pass_drain_no_node_that_is_alone() -> None:
    results = iter(range(1000))
    moody = Node("moody", lambda p: IE if next(results) % 2 == 0 else Outcome(Verdict.OK), room=2)
    async with sandbox_on(Ray(moody)) as (sandbox, events):
        await settled(lambda: sandbox.workers == 2)
        for i in range(40):
            assert (await run(sandbox, f"print({i})")).verdict is Verdict.OK
        assert told(events, "drained") == []


async def test_a_second_try_whose_other_node_is_lost_comes_back_to_the_first() -> None:
    results = iter(range(1000))
    first, other = Node("first", lambda p: IE if next(results) == 0 else Outcome(Verdict.OK)), Node("other", slowly)
    ray = Ray(first)
    async with sandbox_on(ray) as (sandbox, _):
        ray.join(other)
        await settled(lambda: sandbox.workers == 2)
        busy = [asyncio.create_task(run(sandbox, f"print({i})")) for i in range(4)]
        await settled(lambda: next(results) >= 1)
        ray.lose(other)
        outcomes = await asyncio.gather(*busy)
        assert {outcome.verdict for outcome in outcomes} == {Verdict.OK}


async def test_whoever_waits_for_a_language_whose_last_node_is_lost_is_told() -> None:
    async def never(_: Any) -> Outcome:
        await asyncio.sleep(100)
        raise AssertionError

    cpp, python = Node("cpp", lambda p: never(p)), Node("python")
    python.languages = frozenset(("python",))
    ray = Ray(cpp)
    async with sandbox_on(ray) as (sandbox, _):
        ray.join(python)
        await settled(lambda: sandbox.workers == 2)
        waiting = [asyncio.create_task(run(sandbox, f"int main() {{ return {i}; }}", "cpp")) for i in range(5)]
        await settled(lambda: len(cpp.ran) == 2)
        ray.lose(cpp)
        for one in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(one, ToolchainMissing)


async def test_a_node_on_which_every_actor_dies_at_its_start_is_drained() -> None:
    cursed, late = Node("cursed"), Node("late")
    cursed.dies_opening = True
    ray = Ray(cursed)
    events: list[Event] = []
    fields: dict[str, Any] = {"cpus": 1, "most": 100, "wanted": (), "allow_unsafe": False, "wait_seconds": 20.0}
    async with asyncio.timeout(20):
        opening = asyncio.create_task(sandboxes.RaySandbox(ray, on_event=events.append, **fields).__aenter__())
        await settled(lambda: bool(told(events, "drained")))
        ray.join(late)
        sandbox = await opening
        try:
            assert [node for node, _ in told(events, "drained")] == ["cursed"]
            assert (await run(sandbox)).verdict is Verdict.OK
        finally:
            await sandbox.__aexit__(None, None, None)


async def test_a_caller_s_mistake_is_its_own_and_no_node_s() -> None:
    ray = Ray(Node("a", lambda p: Refused("limits must be positive")))
    async with sandbox_on(ray) as (sandbox, events):
        with pytest.raises(ValueError, match="limits must be positive"):
            await run(sandbox)
        assert told(events, "drained") == []


async def test_programs_go_only_where_their_language_runs() -> None:
    plain, full = Node("plain"), Node("full")
    plain.languages = frozenset(("python",))
    ray = Ray(full, plain)
    async with sandbox_on(ray) as (sandbox, _):
        await settled(lambda: sandbox.workers == 2)
        await asyncio.gather(*(run(sandbox, str(i), "cpp") for i in range(10)))
        assert plain.ran == []
        ray.lose(full)
        with pytest.raises(ToolchainMissing, match="no node that is left runs cpp"):
            await run(sandbox, "", "cpp")


async def test_isolation_is_what_holds_on_every_node() -> None:
    weaker = Node("weaker")
    weaker.layers["seccomp"] = Layer(False, "kernel too old")
    async with sandbox_on(Ray(Node("a"), weaker)) as (sandbox, _):
        await settled(lambda: sandbox.workers == 2)
        assert sandbox.isolation.active("landlock")
        assert sandbox.isolation.layers["seccomp"] == Layer(False, "kernel too old")


async def test_without_a_node_it_says_why_after_the_time_one_waits() -> None:
    with pytest.raises(SandboxUnavailable, match=r"no sandbox actor for 0\.1 seconds \(no node has 8 CPUs\)"):
        async with sandbox_on(Ray(), wait_seconds=0.1, lacking=lambda: "no node has 8 CPUs"):
            raise AssertionError


async def test_when_the_last_node_is_lost_whoever_waits_is_told() -> None:
    ray = Ray(only := Node("only"))
    async with sandbox_on(ray, wait_seconds=0.1) as (sandbox, _):
        ray.lose(only)
        results = await asyncio.gather(*(run(sandbox, str(i)) for i in range(5)), return_exceptions=True)
        assert {type(result) for result in results} == {SandboxUnavailable}


async def test_a_run_that_is_given_up_leaves_its_seat_to_the_next() -> None:
    async def slow(_: Any) -> Outcome:
        await asyncio.sleep(0.05)
        return Outcome(Verdict.OK)

    ray = Ray(Node("a", lambda p: slow(p)))
    async with sandbox_on(ray) as (sandbox, _):
        for _ in range(20):
            given_up = [asyncio.create_task(run(sandbox)) for _ in range(5)]
            await asyncio.sleep(0.001)
            for task in given_up:
                task.cancel()
            await asyncio.gather(*given_up, return_exceptions=True)
        assert (await run(sandbox)).verdict is Verdict.OK
        assert sandbox._crew.members[0].busy == 0


async def slowly(_: Any) -> Outcome:
    await asyncio.sleep(0.01)
    return Outcome(Verdict.OK)


async def test_a_program_that_is_compiled_stays_where_it_was_while_all_are_busy() -> None:
    nodes = [Node(name, lambda p: slowly(p)) for name in "abc"]
    async with sandbox_on(Ray(*nodes)) as (sandbox, _):
        await settled(lambda: sandbox.workers == 3)

        async def many_inputs(text: str) -> None:
            for _ in range(10):
                await run(sandbox, text, "cpp")

        await asyncio.gather(*(many_inputs(str(i)) for i in range(12)))
    places = [sum(str(i) in {p.source for p in node.ran} for node in nodes) for i in range(12)]
    assert sum(places) <= 14, "nearly every program was seen by one node alone"
    assert all(len(node.ran) > 20 for node in nodes), "and all nodes worked"


async def test_an_idle_node_takes_over_from_a_busy_home() -> None:
    busy, idle = Node("busy", lambda p: slowly(p)), Node("idle", lambda p: slowly(p))
    ray = Ray(busy)
    async with sandbox_on(ray) as (sandbox, _):
        await run(sandbox, "same", "cpp")
        waiting = [asyncio.create_task(run(sandbox, "same", "cpp")) for _ in range(20)]
        await asyncio.sleep(0)
        ray.join(idle)
        await asyncio.gather(*waiting)
        assert idle.ran


async def test_those_who_wait_for_a_home_that_is_lost_go_elsewhere() -> None:
    home, other = Node("home", lambda p: slowly(p)), Node("other")
    ray = Ray(home)
    async with sandbox_on(ray) as (sandbox, _):
        await run(sandbox, "same", "cpp")
        waiting = [asyncio.create_task(run(sandbox, "same", "cpp")) for _ in range(20)]
        await asyncio.sleep(0.005)
        ray.lose(home)
        ray.join(other)
        assert {outcome.verdict for outcome in await asyncio.gather(*waiting)} == {Verdict.OK}
