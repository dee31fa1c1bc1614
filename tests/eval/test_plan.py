"""`solve plan`: the arithmetic of a plan, where its numbers come from, and predictions held against runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from eval.bench.config import BenchConfig, write_config
from eval.bench.layout import BenchDirectory
from eval.bench.progress import BenchProgress, Work
from eval.bench.rates import known, known_of_any, remember
from eval.bench.sessions import Session, read_sessions, session_file
from eval.datasets import DatasetSpec
from eval.plan.arithmetic import BYTES_A_SURVIVOR, FIGURES, SANDBOX_SECONDS, Workload, predict
from eval.plan.check import check, from_others, from_own_tenth
from eval.plan.command import plan
from eval.plan.gather import gather
from eval.plan.measured import Totals, figures, measure
from solver.config import RunConfig
from solver.errors import UserError
from solver.progress import Counts
from tests.eval.benches import Asked, Drawn, make_bench

MADE = DatasetSpec(name="jsonl", path="made.jsonl")
GIVEN = {
    "tokens_per_second": 1000.0,
    "tokens_per_sample": 200.0,
    "unique_share": 0.5,
    "pass_share": 0.1,
    "example_runs": 2.0,
    "execution_seconds": 0.1,
    "driver_samples_per_second": 100.0,
    "bytes_per_sample": 1000.0,
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODESIEVE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# --- the arithmetic -------------------------------------------------------------------------------


def test_a_plan_follows_the_flow_of_a_run_by_hand() -> None:
    told = predict(Workload(problems=10, samples=1000, inputs=20, gpus=2), GIVEN)
    assert told.samples == 10_000
    assert told.completion_tokens == 2_000_000
    assert told.programs == 5_000
    assert told.executions == 5_000 * (2 + 0.1 * 20)
    assert told.sandbox_core_seconds == pytest.approx(2_000)
    assert told.gpu_hours == pytest.approx(2_000_000 / 1000 / 3600)
    assert told.seconds == pytest.approx(1_000)  # two GPUs
    assert told.cores == 3  # 2,000 core seconds in 1,000 s, of cores that are 80 % usable
    assert told.driver_share == pytest.approx(0.1)
    assert told.bound_by == "the model"


def test_more_gpus_save_wall_time_and_no_gpu_hours_until_the_driver_is_the_bottleneck() -> None:
    few, many, too_many = (predict(Workload(10, 1000, 20, gpus), GIVEN) for gpus in (1, 20, 40))
    assert few.gpu_hours == many.gpu_hours
    assert too_many.gpu_hours == 2 * (many.gpu_hours or 0), "half of the time they wait, and are held all the same"
    assert few.seconds == 20 * (many.seconds or 0)
    assert (many.driver_share, many.bound_by) == (1.0, "the model")
    assert too_many.bound_by == "the driver"
    assert too_many.seconds == 100.0


def test_memory_holds_the_survivors_of_all_problems_that_may_be_open() -> None:
    one, few, many = (predict(Workload(count, 1_000_000, 20), GIVEN).memory_bytes for count in (1, 2, 1000))
    assert few - one == pytest.approx(1_000_000 * 0.5 * 0.1 * BYTES_A_SURVIVOR)
    assert many == few, "one GPU has two at a time"
    replay = predict(Workload(1000, 1_000_000, 20, gpus=0, cores=2), GIVEN)
    assert replay.memory_bytes > 4_000_000 * 0.5 * 0.1 * BYTES_A_SURVIVOR


def test_the_rate_of_a_driver_that_waited_for_its_model_is_not_taken_for_what_it_can_do(tmp_path: Path) -> None:
    root = bench(tmp_path / "run")
    session(root, seconds=400.0)
    run = measure(root)
    assert "driver_samples_per_second" not in figures(run.totals, run.sessions, replayed=False)


def test_too_few_cores_make_the_sandbox_the_bottleneck_and_say_so() -> None:
    told = predict(Workload(10, 1000, 20, gpus=2, cores=1), GIVEN)
    assert (told.bound_by, told.seconds) == ("the sandbox", pytest.approx(2_500))


def test_without_a_pace_time_is_unknown_and_everything_else_is_told() -> None:
    told = predict(Workload(10, 1000), {k: v for k, v in GIVEN.items() if k != "tokens_per_second"})
    assert (told.seconds, told.gpu_hours, told.cores) == (None, None, None)
    assert told.completion_tokens == 2_000_000


def test_recorded_samples_need_no_model_and_driver_and_programs_share_the_cores() -> None:
    told = predict(Workload(10, 1000, 20, gpus=0, cores=4), GIVEN)
    assert (told.gpu_hours, told.cores) == (None, None)
    assert told.seconds == pytest.approx((2_000 + 100) / 4)
    assert told.bound_by == "the cores"
    assert told.driver_share == pytest.approx(100 / 525)


def test_cores_do_not_help_a_replay_beyond_what_one_driver_can_handle() -> None:
    told = predict(Workload(10, 1000, 20, gpus=0, cores=1000), GIVEN)
    assert (told.bound_by, told.seconds, told.driver_share) == ("the driver", 100.0, 1.0)


def test_a_replay_on_nobody_knows_how_many_cores_takes_nobody_knows_how_long() -> None:
    assert predict(Workload(10, 1000, gpus=0), GIVEN).seconds is None
    done = CliRunner().invoke(plan, ["--problems", "1", "--samples", "1e6", "--gpus", "0"])
    assert "unknown: give --cores" in done.output


# --- where the figures come from --------------------------------------------------------------------


def test_given_beats_measured_and_measured_beats_assumed() -> None:
    remember("m", {"unique_share": 0.7, "pass_share": 0.2}, "/runs/a")
    used = gather("m", 768, {"pass_share": 0.3, "unique_share": None})
    assert (used["pass_share"].value, used["pass_share"].source) == (0.3, "given")
    assert used["unique_share"].value == 0.7
    assert used["unique_share"].source.startswith("measured 20")
    assert used["unique_share"].source.endswith("in /runs/a")
    assert used["example_runs"].source.startswith("assumed: ")


def test_a_pace_is_never_assumed_nor_taken_from_another_model() -> None:
    remember("other", {"tokens_per_second": 5000.0, "bytes_per_sample": 900.0}, "/runs/b")
    used = gather("m", 768, {})
    assert "tokens_per_second" not in used
    assert (used["bytes_per_sample"].value, "with other" in used["bytes_per_sample"].source) == (900.0, True)


def test_the_newest_measurement_counts_and_a_run_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    remember("m", {"unique_share": 0.7}, "/runs/a")
    remember("m", {"unique_share": 0.9}, "/runs/b")
    remember("m", {"unique_share": 0.5}, "/runs/a")
    left = known("m", "unique_share", without="/runs/a")
    assert left is not None
    assert left.value == 0.9
    again = known("m", "unique_share", without="/runs/b")
    assert again is not None
    assert again.value == 0.5, "a run that is measured again replaces what it said before"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"m": 47.5}', '{"m": {"unique_share": [{"value": "x"}]}}'])
def test_rates_that_are_damaged_or_of_an_older_version_are_as_if_not_there(own_cache: Path, text: str) -> None:
    own_cache.mkdir()
    (own_cache / "rates.json").write_text(text)
    assert known("m", "unique_share") is None
    remember("m", {"unique_share": 0.5}, "/runs/a")
    found = known_of_any("unique_share")
    assert found is not None
    assert found.value == 0.5


# --- runs that were measured ------------------------------------------------------------------------


def session(directory: Path, **more: object) -> None:
    """A session's file as one that sampled 8 answers in 4 s would have left it."""
    record = {
        "samples": 8, "seconds": 4.0, "completion_tokens": 160, "executions": 14, "driver_cpu_seconds": 0.5,
        "engine": {"seconds": 2.0, "completion_tokens": 160, "devices": 2},
        "points": [[1.0, 1, 20, 2], [2.0, 4, 80, 7], [4.0, 8, 160, 14]],
        **more,
    }  # fmt: skip
    file = session_file(BenchDirectory(directory), 0)
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(record))


def bench(root: Path, problems: int = 2) -> Path:
    """Of each problem 4 samples: two texts that are one program which passes, one that fails, one without a program."""
    write_config(
        BenchDirectory(root),
        BenchConfig(
            data=DatasetSpec(name="jsonl", path="made.jsonl"), run=RunConfig(samples=4, inputs=2, model="a-model")
        ),
    )
    drawn = [Drawn("print(1)", ("a", "b"), True), Drawn("print(1)", ("a", "b"), True), Drawn("print(2)"), Drawn(None)]
    make_bench(root, [Asked(f"p{number}", drawn) for number in range(problems)])
    rows = [{"name": f"p{n}", "number": n + 1, "directory": f"problems/{n + 1:04d}-p{n}"} for n in range(problems)]
    BenchDirectory(root).plan.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def test_what_a_run_took_is_counted_from_its_records(tmp_path: Path) -> None:
    run = measure(bench(tmp_path / "run"))
    totals = run.totals
    assert (totals.problems, totals.samples, totals.completion_tokens) == (2, 8, 160)
    assert (totals.unique, totals.passing) == (4, 2)
    assert (totals.example_executions, totals.executions) == (4, 8)
    assert totals.cpu_seconds == pytest.approx(8 * 0.02)
    assert totals.disk_bytes > 10_000


def test_the_pace_is_that_of_one_device_while_the_engine_had_work(tmp_path: Path) -> None:
    root = bench(tmp_path / "run")
    session(root)
    run = measure(root)
    found = figures(run.totals, run.sessions, replayed=False)
    assert found["tokens_per_second"] == 160 / (2.0 * 2)
    assert found["driver_samples_per_second"] == 16
    assert (found["tokens_per_sample"], found["unique_share"], found["pass_share"]) == (20, 0.5, 0.5)


def test_a_replayed_run_says_nothing_of_a_models_pace(tmp_path: Path) -> None:
    root = bench(tmp_path / "run")
    session(root, engine=None)
    run = measure(root)
    assert "tokens_per_second" not in figures(run.totals, run.sessions, replayed=True)
    assert figures(run.totals, run.sessions, replayed=False)["tokens_per_second"] == 40


def test_where_the_engines_do_not_say_the_pace_is_shared_out_among_the_devices_they_were_given() -> None:
    told = {"seconds": 4.0, "completion_tokens": 160, "engine": None, "devices": 8}
    assert figures(Totals(), [told], replayed=False)["tokens_per_second"] == 5


def test_an_empty_run_gives_no_figures_and_no_division_by_zero() -> None:
    assert figures(Totals(), [], replayed=False) == {}


def test_a_plan_made_of_a_runs_own_figures_predicts_that_run(tmp_path: Path) -> None:
    root = bench(tmp_path / "run")
    session(root)
    run = measure(root)
    own = {"bytes_per_sample": 1.0} | figures(run.totals, run.sessions, replayed=False)
    told = predict(Workload(2, 4, inputs=2, gpus=2), own)
    assert told.completion_tokens == run.totals.completion_tokens
    assert told.programs == run.totals.unique
    assert told.executions == run.totals.executions
    assert told.sandbox_core_seconds == pytest.approx(8 * (0.02 + SANDBOX_SECONDS))


def test_a_check_never_uses_what_the_checked_run_itself_measured(tmp_path: Path) -> None:
    root = bench(tmp_path / "run")
    session(root)
    run = measure(root)
    remember("a-model", {"tokens_per_sample": 20.0}, str(root.absolute()))
    assert from_others(run, "a-model")["tokens_per_sample"].source.startswith("assumed")
    remember("a-model", {"tokens_per_sample": 25.0}, "/runs/other")
    rows = {row.name: row for row in check(run, from_others(run, "a-model"))}
    assert (rows["completion tokens"].predicted, rows["completion tokens"].actual) == (200, 160)
    assert rows["seconds in all"].actual == 4.0
    assert set(rows) >= {label for label, *_ in FIGURES.values()}


def test_a_check_from_the_first_tenth_sees_that_tenth_alone(tmp_path: Path) -> None:
    run = measure(bench(tmp_path / "run", problems=10))
    session(run.directory)
    run = measure(run.directory)
    longer = replace(run.per_problem[0], completion_tokens=800)
    skewed = replace(run, per_problem=(longer, *run.per_problem[1:]))
    used = from_own_tenth(skewed, "a-model")
    assert used["tokens_per_sample"].value == 200
    assert used["tokens_per_second"].value == 10, "of one of two devices"
    assert "first tenth (1 problems)" in used["tokens_per_second"].source


def test_a_run_can_be_predicted_from_another_that_is_named_whatever_its_model(tmp_path: Path) -> None:
    small, large = bench(tmp_path / "small"), bench(tmp_path / "large", problems=5)
    session(small)
    session(large, driver_cpu_seconds=1.0)
    done = CliRunner().invoke(plan, ["--from", str(small), "--check", str(large), "--json"])
    assert done.exit_code == 0, done.output
    rows = {row["name"]: row for row in json.loads(done.output)["rows"]}
    assert rows["samples/s that one driver core handles"]["predicted"] == 16
    assert (rows["completion tokens"]["predicted"], rows["completion tokens"]["actual"]) == (400, 400)


def test_a_run_of_which_nothing_passes_says_so_and_is_not_assumed_to_be_better(tmp_path: Path) -> None:
    found = figures(Totals(problems=1, samples=10, unique=10), [], replayed=False)
    assert found["pass_share"] == 0
    remember("a-model", found, "/runs/hard")
    assert gather("a-model", 768, {})["pass_share"].value == 0


def test_a_run_too_small_for_a_tenth_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="2 problems have no tenth; use --check-from others"):
        from_own_tenth(measure(bench(tmp_path / "run")), "a-model")


# --- sessions ---------------------------------------------------------------------------------------


def test_a_session_tells_what_it_did_itself_and_not_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    where = BenchDirectory(tmp_path / "run")
    progress = BenchProgress(3)
    progress.begin("ended", Counts(samples=10, fresh_tokens=60, executions=5), recorded=4)
    progress.end("ended")
    progress.begin("flying", Counts(samples=2, fresh_tokens=20, executions=1))
    assert progress.work() == Work(8, 80, 6)
    Session(session_file(where, 1), {"model": "m"}, progress, lambda: None).write()
    (record,) = read_sessions(where)
    assert (record["samples"], record["completion_tokens"], record["finished"]) == (8, 80, False)
    assert record["driver_peak_bytes"] > 2**20


def test_sessions_that_are_damaged_or_empty_are_left_out(tmp_path: Path) -> None:
    where = BenchDirectory(tmp_path)
    where.sessions.mkdir()
    (where.sessions / "0000.json").write_text("{")
    (where.sessions / "0001.json").write_text('{"samples": 0}')
    assert read_sessions(where) == []


# --- the command ------------------------------------------------------------------------------------


def test_the_command_prints_every_number_with_its_source() -> None:
    done = CliRunner().invoke(
        plan, ["--problems", "165", "--samples", "1e6", "--gpus", "64", "--tokens-per-second-per-gpu", "5000", "--json"]
    )
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["workload"]["samples"] == 1_000_000
    assert set(told["figures"]) == set(FIGURES)
    assert all(figure["source"] for figure in told["figures"].values())
    assert told["figures"]["tokens_per_second"] == {"value": 5000.0, "source": "given"}


def test_a_run_directory_can_be_learnt_from_and_is_used_at_once(tmp_path: Path) -> None:
    root = bench(tmp_path / "run")
    session(root)
    done = CliRunner().invoke(
        plan, ["--from", str(root), "--model", "a-model", "--problems", "1", "--samples", "10", "--json"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["figures"]["tokens_per_sample"]["value"] == 20


def test_the_check_shows_predicted_beside_actual(tmp_path: Path) -> None:
    root = bench(tmp_path / "run")
    session(root)
    done = CliRunner().invoke(plan, ["--check", str(root)], terminal_width=200)
    assert done.exit_code == 0, done.output
    assert "predicted" in done.output
    assert "off by" in done.output


@pytest.mark.parametrize("samples", ["0", "2.5", "many", "-3", "inf"])
def test_a_number_that_is_none_is_refused(samples: str) -> None:
    done = CliRunner().invoke(plan, ["--problems", "1", "--samples", samples])
    assert done.exit_code == 2
    assert "no whole number" in done.output


def test_a_directory_that_is_no_run_is_one_clear_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(plan, ["--check", str(tmp_path)])
    assert isinstance(done.exception, UserError)
    assert "not a run directory" in str(done.exception)
