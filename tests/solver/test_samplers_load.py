"""Whether an engine's caches and waits are told as they were, on a clock that the tests move."""

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from solver.samplers import Sampler, SamplerStats, stats_of, wire
from solver.samplers.engine_host import LOAD_INTERVAL_SECONDS, _Meter
from solver.samplers.engine_load import EngineLoad, Feed, LoadMeter
from solver.samplers.use import SamplerUse


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_usage_is_weighted_by_the_time_it_lasted_not_by_steps(clock: Clock) -> None:
    meter = LoadMeter(clock)
    for seconds, usage in ((9.0, 0.1), (1.0, 0.9)):
        meter.step(0, 4, usage, 0, 0, 0)
        clock.now += seconds
    meter.step(0, 0, 0.0, 0, 0, 0)
    assert meter.load.seconds == 10
    assert meter.load.plain()["kv_cache_usage_mean"] == 0.18
    assert meter.load.plain()["kv_cache_usage_peak"] == 0.9


def test_an_hour_of_rest_between_two_problems_lowers_no_mean(clock: Clock) -> None:
    meter = LoadMeter(clock)
    meter.step(0, 2, 0.5, 0, 0, 0)
    clock.now += 1
    meter.step(0, 0, 0.0, 0, 0, 0)
    clock.now += 3600
    meter.step(0, 2, 0.5, 0, 0, 0)
    clock.now += 1
    meter.step(0, 0, 0.0, 0, 0, 0)
    assert meter.load.seconds == 2
    assert meter.load.plain()["running_mean"] == 2
    assert meter.load.plain()["kv_cache_usage_mean"] == 0.5


def test_two_replicas_do_not_take_each_others_steps_for_their_own(clock: Clock) -> None:
    meter = LoadMeter(clock)
    for running in (8, 8, 0):
        meter.step(0, running, 0.5, 0, 0, 0)
        meter.step(1, running // 2, 0.1, 0, 0, 0)
        clock.now += 1
    assert meter.load.seconds == 4
    assert meter.load.plain()["running_mean"] == 6


def test_the_hit_rate_counts_tokens_and_is_unknown_without_a_look_up(clock: Clock) -> None:
    meter = LoadMeter(clock)
    assert meter.load.plain()["prefix_cache_hit_rate"] is None
    meter.step(0, 1, 0.1, 100, 0, 0)
    meter.step(0, 2, 0.1, 300, 300, 1)
    assert meter.load.plain()["prefix_cache_hit_rate"] == 0.75
    assert meter.load.preemptions == 1


def test_what_was_before_a_run_does_not_count_for_it(clock: Clock) -> None:
    meter = LoadMeter(clock)
    meter.step(0, 1, 0.4, 100, 0, 2)
    before = meter.load
    meter.step(0, 1, 0.2, 100, 100, 0)
    assert meter.load.since(before).plain()["prefix_cache_hit_rate"] == 1.0
    assert meter.load.since(before).preemptions == 0


def step(running: int = 3, **more: Any) -> Any:
    prefix = SimpleNamespace(queries=10, hits=5)
    return SimpleNamespace(num_running_reqs=running, kv_cache_usage=0.25, prefix_cache_stats=prefix, **more)


def test_the_driver_hears_of_it_now_and_then_and_always_at_the_end(clock: Clock) -> None:
    said: list[wire.Load] = []
    meter = _Meter(said.append, clock)
    for _ in range(100):
        clock.now += LOAD_INTERVAL_SECONDS / 10
        meter.record(0, step(), None)
    assert 9 <= len(said) <= 10
    clock.now += 0.001
    meter.record(0, step(running=0), None)
    assert said[-1].prefix_queries == 1010
    assert said[-1].kv_usage_peak == 0.25


def test_a_vllm_whose_statistics_have_other_names_costs_figures_and_no_run(clock: Clock) -> None:
    said: list[wire.Load] = []
    _Meter(said.append, clock).record(0, SimpleNamespace(), SimpleNamespace())
    assert EngineLoad(**asdict(EngineLoad())) == EngineLoad()
    assert said == [wire.Load(0.0, 0.0, 0.0, 0.0, 0, 0, 0)]


def test_a_load_crosses_the_wire_with_all_its_fields() -> None:
    load = EngineLoad(1.5, 0.25, 0.5, 12.0, 100, 60, 2)
    framed = wire.frame(wire.Load(**asdict(load)))
    assert wire.decode_from_engine(framed[wire.HEADER_BYTES :]) == wire.Load(1.5, 0.25, 0.5, 12.0, 100, 60, 2)


def test_a_batch_that_is_kept_full_has_no_gap(clock: Clock) -> None:
    feed = Feed(4, clock)
    feed.opened()
    for id in range(5):
        feed.asked(id, 4)
        clock.now += 10
    feed.exhausted()
    assert feed.longest_gap == 0


def test_a_consumer_that_does_not_come_for_more_leaves_a_gap_as_long_as_it_dawdles(clock: Clock) -> None:
    feed = Feed(4, clock)
    feed.opened()
    feed.asked(0, 4)
    clock.now += 10
    feed.answered(0)
    clock.now += 3
    assert feed.longest_gap == 3
    feed.asked(1, 1)
    clock.now += 10
    feed.answered(0)
    clock.now += 1
    feed.asked(2, 1)
    assert feed.longest_gap == 3


def test_the_last_answers_of_a_run_are_no_gap(clock: Clock) -> None:
    feed = Feed(4, clock)
    feed.opened()
    feed.asked(0, 4)
    feed.exhausted()
    feed.answered(0)
    clock.now += 60
    assert feed.longest_gap == 0


def test_what_was_aborted_no_longer_keeps_the_engine_busy(clock: Clock) -> None:
    feed = Feed(4, clock)
    feed.opened()
    feed.asked(0, 8)
    feed.forgotten(0)
    feed.answered(0)
    clock.now += 2
    feed.asked(1, 4)
    assert feed.longest_gap == 2


class Counting:
    """A sampler with statistics."""

    model = "m"
    replays = False

    def __init__(self) -> None:
        self.stats = SamplerStats(samples=10, prompt_tokens=100, cached_prompt_tokens=0)

    async def close(self) -> None:
        pass


async def test_a_run_is_told_of_the_engines_work_since_it_came_to_it() -> None:
    shared = Counting()

    async def opened() -> Sampler:
        return shared  # type: ignore[return-value]

    use = SamplerUse(opened)
    assert use.plain() is None
    await use.opened()
    shared.stats = SamplerStats(samples=14, prompt_tokens=300, cached_prompt_tokens=150, completion_tokens=40)
    await use.opened()
    told = use.plain()
    assert told is not None
    assert (told["samples"], told["completion_tokens"], told["prompt_tokens_cached"]) == (4, 40, 0.75)


async def test_a_sampler_without_statistics_is_told_as_none() -> None:
    class Plain:
        model = "m"
        replays = True
        stats = None

    async def opened() -> Sampler:
        return Plain()  # type: ignore[return-value]

    use = SamplerUse(opened)
    await use.opened()
    assert use.plain() is None
    assert stats_of(await opened()) is None
