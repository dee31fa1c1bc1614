"""A benchmark run that failed before its first sample is taken back, and nothing else is."""

from pathlib import Path

from eval.bench.begun import discard, recorded_anything
from eval.bench.config import BenchConfig, write_config
from eval.bench.layout import BenchDirectory
from eval.datasets import DatasetSpec
from solver.config import RunConfig
from solver.problem import Problem
from solver.rundir import RunDirectory
from solver.store import Store
from tests.eval.benches import Asked, Drawn, make_bench

CONFIG = BenchConfig(data=DatasetSpec(name="jsonl", path="made.jsonl"), run=RunConfig())


def begun(root: Path) -> BenchDirectory:
    bench = BenchDirectory(root)
    write_config(bench, CONFIG)
    run = RunDirectory.create(bench.run_directory(1, "a"), Problem(name="a", statement="?"), CONFIG.run)
    with Store(run.store_path):
        pass
    run.unlock()
    bench.plan.write_text("")
    bench.sessions.mkdir()
    (bench.sessions / "0000.json").write_text("{}")
    return bench


def test_what_the_run_made_goes(tmp_path: Path) -> None:
    bench = begun(tmp_path / "run")
    (bench.root / "engine.log").write_text("no such model")
    assert not recorded_anything(bench)
    discard(bench)
    assert [path.name for path in bench.root.iterdir()] == ["engine.log"]


def test_what_the_user_has_in_the_directory_stays(tmp_path: Path) -> None:
    bench = begun(tmp_path)
    theirs = [tmp_path / "problems" / "sums" / "problem.json", tmp_path / "sessions" / "notes.json", tmp_path / "a.py"]
    for path in (*theirs, tmp_path / "problems" / "0001-mine" / "problem.json"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    discard(bench)
    assert all(path.read_text() == "mine" for path in theirs)
    assert (tmp_path / "problems" / "0001-mine" / "problem.json").exists()
    assert not bench.config.exists()


def test_one_sample_is_something_to_go_on_with(tmp_path: Path) -> None:
    assert recorded_anything(BenchDirectory(make_bench(tmp_path, [Asked("p", [Drawn("print(1)")])])))
