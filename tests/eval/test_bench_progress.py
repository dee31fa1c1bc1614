"""Live progress of a benchmark run: what is known, what is estimated, and names that want to be more than text."""

from __future__ import annotations

import asyncio
import io
from contextlib import suppress

import pytest
from rich.console import Console

from eval.bench import progress as module
from eval.bench.progress import BenchProgress, duration, render, show_bench_progress
from solver.progress import Counts


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def started(total: int | None, **more: int) -> tuple[BenchProgress, Clock]:
    clock = Clock()
    return BenchProgress(total, clock=clock, **more), clock


def shown(progress: BenchProgress, width: int = 100, height: int = 40) -> str:
    out = io.StringIO()
    Console(file=out, width=width, height=height, force_terminal=False).print(render(progress, height))
    return out.getvalue()


def test_nothing_is_estimated_before_there_is_a_pace() -> None:
    progress, clock = started(10)
    progress.begin("a", Counts(target_samples=100))
    clock.now += 60
    assert progress.seconds_left() is None
    assert "left unknown" in progress.line()


def test_without_a_total_nothing_is_estimated() -> None:
    progress, clock = started(None)
    progress.begin("a", Counts(target_samples=4, samples=4))
    progress.end("a")
    clock.now += 60
    assert progress.seconds_left() is None
    assert "problems 1/?" in progress.line()
    assert "problems 1/?" in shown(progress)


def test_problems_in_flight_count_by_their_samples() -> None:
    progress, clock = started(4)
    progress.begin("a", Counts(target_samples=64, samples=64))
    progress.end("a")
    progress.begin("b", Counts(target_samples=64, samples=32))
    clock.now += 30
    assert progress.seconds_left() == pytest.approx(30 * 2.5 / 1.5)


def test_what_an_earlier_session_did_sets_no_pace() -> None:
    progress, clock = started(10, done=8, judged=8, solved=3)
    progress.begin("a", Counts(target_samples=100, samples=90), recorded=90)
    clock.now += 60
    assert progress.seconds_left() is None
    progress.in_flight()[0].counts.samples = 100
    assert progress.seconds_left() == pytest.approx(600)
    assert progress.completed() == pytest.approx(9)
    assert "solved 3 of 8 judged" in progress.line()


def test_a_run_that_ends_early_is_a_whole_problem() -> None:
    progress, clock = started(2)
    progress.begin("a", Counts(target_samples=1000, samples=20))
    clock.now += 50
    progress.end("a")
    assert progress.seconds_left() == pytest.approx(50)


def test_when_all_is_done_nothing_is_left() -> None:
    progress, clock = started(1)
    progress.begin("a", Counts(target_samples=4, samples=4))
    clock.now += 5
    progress.end("a")
    assert progress.seconds_left() == 0.0


def test_tokens_of_ended_runs_still_count_for_the_rate() -> None:
    progress, clock = started(3)
    progress.begin("a", Counts(target_samples=4, fresh_tokens=300))
    progress.end("a")
    progress.begin("b", Counts(target_samples=4, fresh_tokens=100))
    clock.now += 10
    assert progress.tokens_per_second() == pytest.approx(40)


def test_each_problem_in_flight_has_its_line() -> None:
    progress, _ = started(5)
    progress.begin("a sum", Counts(target_samples=64, samples=12, unique=9, compiled=8, passing=2, phase="sampling"))
    line = next(line for line in shown(progress).splitlines() if "a sum" in line)
    assert line.split() == ["a", "sum", "sampling", "12/64", "9", "8", "2", "0"]


def test_more_problems_than_lines_do_not_scroll_away() -> None:
    progress, _ = started(100)
    for number in range(50):
        progress.begin(f"p{number}", Counts(target_samples=4))
    assert len(shown(progress, height=12).rstrip().splitlines()) <= 12
    assert "and 43 more in flight" in shown(progress, height=12)


def test_a_long_name_does_not_push_the_counts_off_a_narrow_terminal() -> None:
    progress, _ = started(5)
    progress.begin("x" * 300, Counts(target_samples=64, samples=12, passing=7))
    assert "12/64" in shown(progress, width=80)
    assert max(map(len, shown(progress, width=80).splitlines())) <= 80


def test_a_name_is_text_and_no_markup_and_no_escape_sequence() -> None:
    events: list[str] = []
    progress, _ = started(5)
    progress.on_event = events.append
    name = "[bold red]x[/nonsense] \x1b[2J\u202e"
    progress.begin(name, Counts(target_samples=4))
    told = shown(progress, width=160)
    progress.end(name)
    progress.judge(name, True)
    progress.skip(name, "\x1b[2J")
    assert "[bold red]x[/nonsense]" in told
    assert "\x1b" not in told + "".join(events)
    assert "\u202e" not in told + "".join(events)


def test_in_a_log_events_and_lines_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PLAIN_INTERVAL_SECONDS", 0.001)
    seen = asyncio.Event()

    class Log(io.StringIO):
        def write(self, text: str) -> int:
            if "problems 1/2" in text:
                seen.set()
            return super().write(text)

    out = Log()
    progress, _ = started(2)

    async def watch() -> None:
        task = asyncio.create_task(show_bench_progress(progress, Console(file=out, force_terminal=False)))
        await asyncio.sleep(0)
        progress.begin("a", Counts(target_samples=4, samples=4, passing=3))
        progress.end("a")
        progress.judge("a", True)
        await seen.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(watch())
    lines = out.getvalue().splitlines()
    assert "1/2 a: 4 samples, 3 passing" in lines
    assert "a: solved; solved so far 1 of 1 judged" in lines
    assert any(line.startswith("problems 1/2 · solved 1 of 1 judged · in flight 0") for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.6, "1m 00s"), (725, "12m 05s"), (11_220, "3h 07m"), (187_200, "2d 04h")]
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert duration(seconds) == text
