"""A cascade: how it is written, when the next model gets a problem, and that every decision can be made again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Verdict
from solver.cascade import Level, cost_ratio, early_end, parse_cascade, vain_samples
from solver.cascade_report import cascade_report
from solver.climb import Climb, Next
from solver.commands import run_config
from solver.config import RunConfig
from solver.engine import StopReason
from solver.errors import UserError
from solver.samplers import Request, Sample
from solver.samplers.one_model import OneModel
from solver.store import Execution, RunInput, Store, StoredProgram

# --- how it is written ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "field", "value"),
    [(":64", "samples", 64), (":1e3", "samples", 1000), (":20000tok", "tokens", 20000), (":300s", "seconds", 300.0),
     (":0.05usd", "usd", 0.05)],
)  # fmt: skip
def test_a_budget_is_in_samples_tokens_seconds_or_money(budget: str, field: str, value: float) -> None:
    levels = parse_cascade(f"a/small{budget},b/large")
    assert levels == ({"model": "a/small", field: value}, {"model": "b/large"})


def test_an_alias_of_a_named_model_is_that_model() -> None:
    assert [level["model"] for level in parse_cascade("0.5b:8,1.5B", ["1.5b=0.2"])] == [
        "qwen2.5-coder-0.5b",
        "qwen2.5-coder-1.5b",
    ]


@pytest.mark.parametrize(
    ("text", "prices", "told"),
    [
        ("a", [], "at least two models"),
        ("", [], "at least two models"),
        ("a:8,a:9", [], "stands there twice"),
        ("0.5b:8,qwen2.5-coder-0.5b", [], "stands there twice"),
        ("a:many,b", [], "a budget is a number of samples"),
        ("a:8,b", ["c=1"], "no such model in the cascade"),
        ("a:8,b", ["a=cheap"], "is no number of US dollars"),
        ("a:8,b", ["a"], "no such model"),
    ],
)
def test_a_cascade_that_makes_no_sense_is_one_clear_line(text: str, prices: list[str], told: str) -> None:
    with pytest.raises(UserError, match=told):
        parse_cascade(text, prices)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"cascade": "a,b", "model": "c"}, "exclude each other"),
        ({"prices": ("a=1",)}, "--price is for a cascade"),
        ({"cascade": "a:1usd,b"}, "needs --price a=USD_PER_MTOK"),
        ({"cascade": "a:0,b"}, "greater than 0"),
        ({"cascade": "a:2.5,b"}, "integer"),
        ({"cascade": "a,b", "accept": 2.0}, "accept"),
    ],
)
def test_options_that_contradict_each_other_are_one_clear_line(options: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told):
        run_config(options)


def test_a_run_begins_with_the_first_model_of_its_cascade() -> None:
    config = run_config({"cascade": "a:8,b:4", "prices": ("a=1", "b=5")})
    assert config.model == "a"
    assert (config.at_level(1).model, config.cascade[1].price) == ("b", 5.0)


def test_money_is_tokens_at_the_models_price() -> None:
    assert Level(model="a", usd=0.01, price=0.5).most_tokens == 20_000


# --- the arithmetic ---------------------------------------------------------------------------------


def test_prices_count_before_sizes_and_one_price_alone_says_nothing() -> None:
    small, large = Level(model="qwen2.5-coder-0.5b"), Level(model="qwen2.5-coder-1.5b")
    ratio = cost_ratio(small, large)
    assert ratio is not None
    assert 3 < ratio < 3.2
    priced = [level.model_copy(update={"price": price}) for level, price in ((small, 1.0), (large, 10.0))]
    assert cost_ratio(*priced) == 10
    assert cost_ratio(priced[0], Level(model="unknown/model")) is None


def test_the_early_end_is_where_both_models_are_expected_to_cost_the_same() -> None:
    assert vain_samples(11.0) == 75  # (7.5 + 75) / 0.5 small samples, and 11 times 7.5 / 0.5
    assert vain_samples(None) is None


@settings(deadline=None)  # the machine may be busy
@given(st.floats(0.01, 1000))
def test_a_dearer_next_model_is_never_asked_earlier(ratio: float) -> None:
    assert 1 <= (vain_samples(ratio) or 0) <= (vain_samples(ratio * 2) or 0)


def test_the_last_model_and_a_small_budget_have_no_early_end() -> None:
    levels = [Level(model="a", price=1), Level(model="b", price=3)]
    assert early_end(levels, 0, 64) == 15
    assert early_end(levels, 0, 15) is None
    assert early_end(levels, 1, 64) is None


# --- a run on its way ---------------------------------------------------------------------------------

CHEAP_AND_DEAR = (Level(model="a", samples=30, price=1), Level(model="b", samples=10, price=3))


class Record:
    """A store that samples are put in as an engine would have left them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._count = 0
        store.set_inputs([RunInput(0, "example", "example 1", ""), RunInput(1, "generated", "g", "2")])

    def add(self, count: int, *, passes: bool = False, model: str = "a") -> None:
        for _ in range(count):
            index = self._count
            self._count += 1
            key = "right" if passes else f"wrong{index}"
            program = StoredProgram(key, index, "python", "print(1)")
            sample = Sample(index, 0, "text", model, "direct", "python", 0.8, 0, 9, 10, -0.5, "stop")
            if self.store.add_sample(index, sample, "ok", program):
                verdict = Verdict.AC if passes else Verdict.WA
                self.store.add_execution(Execution(key, 0, verdict, "aa", 0.1, 0.1, 1, 0, None, ""))
                if passes:
                    self.store.add_execution(Execution(key, 1, Verdict.OK, "bb", 0.1, 0.1, 1, 0, None, ""))

    @property
    def settled(self) -> int:
        return self._count


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    with Store(tmp_path / "run.sqlite") as opened:
        yield Record(opened)


def climbing(record: Record, **more: object) -> Climb:
    return Climb(RunConfig.model_validate({"model": "a", "cascade": CHEAP_AND_DEAR, **more}), record.store)


def test_without_a_cascade_a_run_is_its_own_only_level(record: Record) -> None:
    config = RunConfig(samples=5)
    climb = Climb(config, record.store)
    assert climb.stage() == config
    record.add(5)
    assert climb.after(StopReason.SAMPLES, 5) is Next.DONE
    assert cascade_report(config, record.store, 5) is None


def test_nothing_in_vain_for_longer_than_the_next_model_would_cost(record: Record) -> None:
    climb = climbing(record)
    assert (climb.stage().samples, climb.config.model) == (15, "a")
    record.add(15)
    assert climb.after(StopReason.SAMPLES, 15) is Next.CLIMB
    assert (climb.stage().samples, climb.config.model) == (25, "b")


def test_a_survivor_keeps_the_problem_with_the_cheap_model_to_its_full_budget(record: Record) -> None:
    climb = climbing(record)
    record.add(14)
    record.add(1, passes=True)
    assert climb.after(StopReason.SAMPLES, 15) is Next.GO_ON
    assert climb.stage().samples == 30
    record.add(15)
    assert climb.after(StopReason.SAMPLES, 30) in (Next.DONE, Next.CLIMB)


@pytest.mark.parametrize(("accept", "following"), [(0.0, Next.DONE), (1.0, Next.CLIMB)])
def test_a_spent_budget_ends_the_cascade_only_with_a_submission_that_is_believed(
    record: Record, accept: float, following: Next
) -> None:
    climb = climbing(record, accept=accept)
    record.add(15, passes=True)
    assert climb.after(StopReason.SAMPLES, 15) is Next.GO_ON
    record.add(15, passes=True)
    assert climb.after(StopReason.SAMPLES, 30) is following


@pytest.mark.parametrize("reason", [StopReason.AGREEMENT, StopReason.INTERRUPTED, StopReason.SAMPLER_FAILED])
def test_agreement_and_broken_off_runs_hand_nothing_on(record: Record, reason: StopReason) -> None:
    record.add(15)
    climb = climbing(record)
    assert climb.after(reason, 15) is Next.DONE
    assert climb.number == 0


def test_the_last_model_has_nobody_to_hand_to(record: Record) -> None:
    climb = climbing(record)
    record.add(15)
    climb.after(StopReason.SAMPLES, 15)
    record.add(10, model="b")
    assert climb.after(StopReason.SAMPLES, 25) is Next.DONE


def test_a_run_out_of_its_whole_budget_asks_no_further_model(record: Record) -> None:
    record.add(15)
    assert climbing(record, max_total_tokens=150).after(StopReason.TOKENS, 15) is Next.DONE


def test_a_recording_that_ends_before_the_budget_hands_on_what_has_no_survivor(record: Record) -> None:
    record.add(3)
    assert climbing(record).after(StopReason.EXHAUSTED, 3) is Next.CLIMB


def test_after_a_crash_the_run_is_at_the_level_that_was_recorded_and_decides_the_same(record: Record) -> None:
    record.add(15)
    assert climbing(record).after(StopReason.SAMPLES, 15) is Next.CLIMB
    again = climbing(record)
    assert (again.number, again.config.model, again.stage().samples) == (1, "b", 25)


def test_a_crash_between_the_last_sample_and_the_decision_changes_nothing(record: Record) -> None:
    record.add(15)
    record.add(1, passes=True)
    record.add(14)
    once, again = climbing(record, accept=1.0), climbing(record, accept=1.0)
    assert once.stage().samples == again.stage().samples == 15
    assert again.after(StopReason.SAMPLES, 30) is Next.CLIMB


def test_each_levels_limits_count_from_where_it_begins(record: Record) -> None:
    levels = (Level(model="a", tokens=100), Level(model="b", tokens=500, seconds=60))
    climb = climbing(record, cascade=levels, samples=64, max_total_tokens=10_000)
    assert (climb.stage().max_total_tokens, climb.stage().max_seconds) == (100, None)
    record.add(10)
    record.store.set_meta("elapsed_seconds", "20.0")
    assert climb.after(StopReason.TOKENS, 10) is Next.CLIMB
    assert (climb.stage().max_total_tokens, climb.stage().max_seconds) == (600, 80.0)
    assert climb.stage().samples == 10 + 64


def test_the_report_says_what_each_model_did_and_why_it_was_left(record: Record) -> None:
    climb = climbing(record)
    record.add(15)
    climb.after(StopReason.SAMPLES, 15)
    record.add(4, model="b", passes=True)
    config = RunConfig(model="a", cascade=CHEAP_AND_DEAR)
    first, second = cascade_report(config, record.store, 19) or []
    assert first == {
        "model": "a", "samples": 15, "survivors": 0, "tokens": 150, "usd": 0.00015,
        "left": "none of 15 samples passes the examples",
    }  # fmt: skip
    assert (second["model"], second["samples"], second["survivors"], second["left"]) == ("b", 4, 4, None)


# --- a recording of several models ----------------------------------------------------------------------


class Mixed:
    """Samples of two models, both numbered from 0."""

    model = "recorded:mixed"
    replays = True

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        for number in range(6):
            for model in ("a", "b"):
                yield Sample(number, 0, model, model, "direct", "python", 0.8, 0, 9, 10, None, "stop")

    async def close(self) -> None:
        pass


def asked(n: int) -> Iterator[Request]:
    return iter([Request(0, (), "direct", "python", 0.8, 0, n, 100)])


async def test_each_level_gets_the_samples_of_its_model_alone_and_no_number_twice() -> None:
    numbers = []
    for number, name in enumerate("ab"):
        samples = [s async for s in OneModel(Mixed(), Level(model=name), number).stream(asked(4))]
        assert [s.text for s in samples] == [name] * 4
        numbers += [s.request for s in samples]
    assert len(set(numbers)) == 8


async def test_numbers_that_were_moved_once_are_not_moved_again() -> None:
    class Moved(Mixed):
        async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
            async for sample in OneModel(Mixed(), Level(model="b"), 1).stream(requests):
                yield sample

    once = [s.request async for s in OneModel(Mixed(), Level(model="b"), 1).stream(asked(6))]
    assert [s.request async for s in OneModel(Moved(), Level(model="b"), 1).stream(asked(6))] == once


async def test_a_recording_without_the_first_model_says_what_it_has() -> None:
    with pytest.raises(UserError, match="no samples of the model 'c'; it has: a, b"):
        _ = [s async for s in OneModel(Mixed(), Level(model="c"), 0).stream(asked(4))]
    assert [s async for s in OneModel(Mixed(), Level(model="c"), 1).stream(asked(4))] == []
