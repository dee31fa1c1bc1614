"""Shards that ran on clusters are put together like others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.bench.config import make_bench_config, write_config
from eval.bench.drive import read_plan
from eval.bench.layout import BenchDirectory
from eval.bench.merge import merge
from eval.bench.verdicts import JudgedProblem, Verdicts
from solver.cluster.config import ClusterConfig
from solver.config import RunConfig
from solver.errors import UserError


def shard(root: Path, number: int, cluster: ClusterConfig | None, of: int = 2) -> Path:
    """Of two, or more; its first problem is judged, nothing judges its second."""
    bench = BenchDirectory(root)
    data = {"name": "jsonl", "path": "problems.jsonl", "shard": (number, of), "allow_untested": True}
    write_config(bench, make_bench_config(data, RunConfig(), cluster=cluster))
    rows: list[dict[str, Any]] = []
    for judged, place in ((True, number + 1), (False, number + 3)):
        name = f"problem-{place}"
        directory = bench.run_directory(place, name)
        directory.mkdir(parents=True)
        row = {"name": name, "number": place, "directory": str(directory.relative_to(root)), "judged": judged}
        rows.append(row)
    with Verdicts(bench.verdicts) as verdicts:
        verdicts.add_problem(JudgedProblem("problem-" + str(number + 1), number + 1, rows[0]["directory"]))
    bench.plan.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def test_problems_that_nothing_judges_keep_their_place_and_each_shard_may_have_run_on_another_cluster(
    tmp_path: Path,
) -> None:
    one = shard(tmp_path / "0", 0, ClusterConfig(replicas=8))
    other = shard(tmp_path / "1", 1, None)
    assert merge(tmp_path / "all", [other, one]) == [
        f"{root}: 2 of 2 problems are not finished; the figures are without them" for root in (other, one)
    ]
    plan = read_plan(BenchDirectory(tmp_path / "all"))
    assert [(one.name, one.number, one.judged) for one in plan.values()] == [
        ("problem-1", 1, True),
        ("problem-2", 2, True),
        ("problem-3", 3, False),
        ("problem-4", 4, False),
    ]
    assert all((tmp_path / "all" / planned.directory).is_dir() for planned in plan.values())
    with Verdicts(tmp_path / "all" / "verdicts.sqlite", read_only=True) as verdicts:
        assert [problem.name for problem in verdicts.problems()] == ["problem-1", "problem-2"]


def test_shards_of_different_numbers_are_no_whole(tmp_path: Path) -> None:
    one, other = shard(tmp_path / "0", 0, None), shard(tmp_path / "1", 1, None, of=3)
    with pytest.raises(UserError, match="shards of 2 and of 3"):
        merge(tmp_path / "all", [one, other])
    assert not (tmp_path / "all").exists()


def test_a_shard_without_problems_is_merged_like_any_other(tmp_path: Path) -> None:
    full, empty = shard(tmp_path / "0", 0, None), shard(tmp_path / "1", 1, None)
    BenchDirectory(empty).plan.write_text("")
    BenchDirectory(empty).verdicts.unlink()
    with Verdicts(BenchDirectory(empty).verdicts):
        pass
    merge(tmp_path / "all", [full, empty])
    assert list(read_plan(BenchDirectory(tmp_path / "all"))) == ["problem-1", "problem-3"]
