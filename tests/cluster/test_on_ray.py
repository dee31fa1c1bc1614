"""`solve batch` on a real Ray cluster: several nodes on this machine, our own problems, written answers.

One cluster serves all tests; each that harms a node brings its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from solver.cluster.local import LocalCluster
from solver.samplers import Request, Sample, Sampler
from tests.conftest import REPOSITORY
from tests.e2e.answers import SOLVE, fenced, solve

pytestmark = pytest.mark.slow

BUSY = "for _ in range(300000): pass\n"  # long enough to be killed in
TWICE_CPP = "#include <iostream>\nint main() {{ long long n; std::cin >> n; std::cout << 2 * n + {0} - {0}; }}\n"


def problem(factor: int, hidden: bool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "format": "codesieve-problem/1",
        "name": f"times-{factor}",
        "statement": f"Read an integer n (1 <= n <= 1000) and print {factor} n.",
        "examples": [{"input": f"{n}\n", "output": f"{factor * n}\n"} for n in (3, 7)],
    }
    if hidden:
        found["hidden_tests"] = [{"input": f"{n}\n", "output": f"{factor * n}\n"} for n in (1, 5000)]
    return found


def sources(factor: int) -> list[str]:
    right = [f"{BUSY}n = int(input())\nprint({factor} * n + {i} - {i})\n" for i in range(6)]
    small_only = [f"{BUSY}n = int(input())\nprint({factor} * n if n < 1000 else {i})\n" for i in range(4)]
    return [*small_only, *right, "print('?')\n", "syntax error(\n"]


def record(folder: Path, problems: list[dict[str, Any]], answers: dict[str, list[str]], language: str) -> list[object]:
    """The arguments that name the problems and the recorded samples."""
    data, recording = folder / "problems.jsonl", folder / "answers.jsonl"
    data.write_text("".join(json.dumps(one) + "\n" for one in problems))
    rows = [
        {"problem": name, "request": i, "choice": 0, "text": fenced(source, language), "language": language}
        for name, texts in answers.items()
        for i, source in enumerate(texts)
    ]
    recording.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["--recorded", recording, "--inputs", 4, "--agreement", 0, "--workers", 1]


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster() as started:
        started.add()
        yield started


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    record(
        folder,
        [problem(factor, hidden=factor != 5) for factor in (2, 3, 4, 5)],
        {f"times-{factor}": sources(factor) for factor in (2, 3, 4, 5)},
        "python",
    )
    return folder


def batch(cluster: LocalCluster, data: Path, out: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return solve(
        "batch", data / "problems.jsonl", "--recorded", data / "answers.jsonl", "--inputs", 4, "--agreement", 0,
        "--workers", 1, "--ray", cluster.address, "--sandbox-cpus", 1, "--out", out, *more, timeout=300,
    )  # fmt: skip


def steady(results: dict[str, Any]) -> dict[str, Any]:
    rows = [{k: v for k, v in row.items() if k != "timing"} for row in results["per_problem"]]
    apart = ("timing", "cluster", "unjudged", "skipped")
    return {k: v for k, v in results.items() if k not in apart} | {"per_problem": rows}


def test_a_batch_has_the_figures_of_a_bench_and_runs_what_nothing_judges_as_well(
    cluster: LocalCluster, folder: Path, tmp_path: Path
) -> None:
    done = batch(cluster, folder, tmp_path / "batch", "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    on_cluster = json.loads(done.stdout)
    here = solve(
        "bench", "jsonl", "--data", folder / "problems.jsonl", "--recorded", folder / "answers.jsonl", "--inputs", 4,
        "--agreement", 0, "--workers", 1, "--out", tmp_path / "bench", "--json", "--quiet",
    )  # fmt: skip
    assert here.returncode == 0, here.stderr
    assert steady(on_cluster) == steady(json.loads(here.stdout))
    assert on_cluster["problems"] == 3
    (unjudged,) = on_cluster["unjudged"]
    assert (unjudged["problem"], unjudged["passes_examples"]) == ("times-5", True)
    assert "without hidden tests are not judged" in (tmp_path / "batch" / "report.html").read_text()
    assert on_cluster["cluster"] == {"nodes": 1, "actors": {"sandbox": 1, "recording": 1}, "lost": {}, "drained": []}


def test_without_any_hidden_test_there_is_a_report_that_says_so(
    cluster: LocalCluster, folder: Path, tmp_path: Path
) -> None:
    done = batch(cluster, folder, tmp_path / "run", "--ids", "times-5", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "1 problems without hidden tests are not judged" in " ".join(done.stdout.split())
    assert "solved with" not in done.stdout
    assert not (tmp_path / "run" / "judge.log").exists()
    assert (tmp_path / "run" / "report.html").exists()


def test_a_cascade_hands_problems_on_as_it_does_on_one_machine(cluster: LocalCluster, tmp_path: Path) -> None:
    data, recording = tmp_path / "problems.jsonl", tmp_path / "answers.jsonl"
    data.write_text("".join(json.dumps(problem(factor, hidden=factor != 5)) + "\n" for factor in (2, 3, 5)))
    rows = [
        {"problem": f"times-{factor}", "request": i, "choice": 0, "text": fenced(source), "model": model}
        for factor in (2, 3, 5)
        for model, times in (("small", 2), ("large", factor))
        for i, source in enumerate(f"# {i}\nprint({times} * int(input()))\n" for i in range(4))
    ]
    recording.write_text("".join(json.dumps(row) + "\n" for row in rows))
    cascade = ["--cascade", "small:4,large:4", "--accept", 0]
    done = batch(cluster, tmp_path, tmp_path / "batch", *cascade, "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    on_cluster = json.loads(done.stdout)
    assert {row["problem"]: (row["samples"], row["solved"]["10"]) for row in on_cluster["per_problem"]} == {
        "times-2": (4, True),
        "times-3": (8, True),
    }
    (unjudged,) = on_cluster["unjudged"]
    assert (unjudged["samples"], unjudged["passes_examples"]) == (8, True)
    assert (on_cluster["cluster"]["lost"], on_cluster["cluster"]["drained"]) == ({}, [])
    here = solve(
        "bench", "jsonl", "--data", data, "--recorded", recording, "--inputs", 4, "--agreement", 0, "--workers", 1,
        *cascade, "--out", tmp_path / "bench", "--json", "--quiet",
    )  # fmt: skip
    assert here.returncode == 0, here.stderr
    assert steady(on_cluster) == steady(json.loads(here.stdout))


def test_nodes_readers_and_drivers_may_be_killed_and_the_report_is_the_same(folder: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "cluster_check.py"), "jsonl", "--data",
         str(folder / "problems.jsonl"), "--recorded", str(folder / "answers.jsonl"), "--keep", str(tmp_path)],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["same_figures"]
    assert found["same_reports"]
    assert found["executed_twice"] == 0
    assert found["stale_actors"] == 0
    assert found["lost"]["sandbox"] >= 1


def cpp_batch(cluster: LocalCluster, folder: Path, out: Path, *more: object) -> dict[str, Any]:
    record(folder, [problem(2, hidden=False)], {"times-2": [TWICE_CPP.format(i) for i in range(60)]}, "cpp")
    done = batch(cluster, folder, out, "--languages", "cpp", "--json", "--quiet", *more)
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    assert results["unjudged"][0]["passing_programs"] == 60, "no verdict suffered"
    return results


def test_a_node_without_a_compiler_is_drained_and_named(cluster: LocalCluster, tmp_path: Path) -> None:
    bare = cluster.add(environment={"PATH": str(tmp_path)})
    try:
        (drained,) = cpp_batch(cluster, tmp_path, tmp_path / "run")["cluster"]["drained"]
    finally:
        bare.kill()
    assert "cannot run cpp: no g++" in drained["reason"]
    assert drained["node"][:12] in " ".join((tmp_path / "run" / "report.html").read_text().split())
    assert drained["reason"] in (tmp_path / "run" / "log.txt").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small file system")
def test_a_node_whose_disk_fills_up_is_drained_and_no_verdict_suffers(cluster: LocalCluster, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", str(disk)], check=True)
    full = cluster.add(environment={"TMPDIR": str(disk)})
    try:
        (disk / "ballast").write_bytes(b"\0" * (100 << 20 >> 1))
        (drained,) = cpp_batch(cluster, tmp_path, tmp_path / "run")["cluster"]["drained"]
    finally:
        full.kill()
        subprocess.run(["umount", "--lazy", str(disk)], check=False)
    assert "disk full" in drained["reason"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--ray", "127.0.0.1:1"], "--ray 127.0.0.1:1: nobody answers there (Connection refused)"),
        (["--ray", "127.0.0.1"], "give `auto`, or HOST:PORT"),
        (["--ray", "ray://127.0.0.1:10001"], "Ray's client is not used"),
        (["--sandbox-cpus", "64", "--wait", "2"], "none of 2 nodes has 64 CPUs for a sandbox (--sandbox-cpus)"),
    ],
)
def test_what_is_wrong_with_the_cluster_is_said_in_one_line(
    cluster: LocalCluster, folder: Path, tmp_path: Path, arguments: list[str], told: str
) -> None:
    done = batch(cluster, folder, tmp_path / "run", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("solve: error: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_cluster_without_a_gpu_is_told_before_anything_is_loaded(
    cluster: LocalCluster, folder: Path, tmp_path: Path
) -> None:
    done = solve("batch", folder / "problems.jsonl", "--ray", cluster.address, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert "--gpus-per-replica 1: none of its nodes has a GPU" in done.stderr


def test_a_port_where_something_else_listens_is_no_cluster(folder: Path, tmp_path: Path, cluster: LocalCluster) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = batch(cluster, folder, tmp_path / "run", "--ray", f"127.0.0.1:{other.getsockname()[1]}")
    assert done.returncode == 2
    assert "no Ray cluster answers there" in done.stderr


def test_without_ray_the_command_says_how_to_install_it(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "ray.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [str(SOLVE), "batch", str(folder / "problems.jsonl")],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Ray is not installed here; pip install 'codesieve[cluster]'" in done.stderr


# --- replicas ---------------------------------------------------------------------------------------


class Echo:
    """Answers slowly, by its request."""

    model, replays = "echo", False

    async def stream(self, requests: Iterator[Request]) -> AsyncIterator[Sample]:
        for request in requests:
            await asyncio.sleep(0.2)
            for choice in range(request.n):
                yield Sample(request.index, choice, "?", "echo", "p", "python", 1.0, 0, 1, 1, None, "stop")

    async def close(self) -> None:
        pass


async def open_echo() -> Sampler:
    return Echo()


def test_a_replica_that_is_killed_costs_time_and_no_sample(cluster: LocalCluster) -> None:
    from ray import cloudpickle

    from solver.cluster.connect import connected
    from solver.cluster.events import Event
    from solver.cluster.replicas import RaySampler

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    events: list[Event] = []

    async def all_samples(ray: Any) -> Counter[tuple[int, int]]:
        sampler = RaySampler(
            ray, lambda number: open_echo, replicas=2, gpus=0, cpus=0, wait_seconds=60, on_event=events.append
        )
        await sampler.start()
        seen: Counter[tuple[int, int]] = Counter()
        requests = (Request(i, (), "p", "python", 1.0, 0, 4, 16) for i in range(200))
        async for sample in sampler.stream(requests):
            if seen.total() == 100:
                os.kill(events[0].place.pid, 9)
            seen[sample.request, sample.choice] += 1
        await sampler.close()
        return seen

    with connected(cluster.address) as ray:
        seen = asyncio.run(all_samples(ray))
    assert seen == Counter((request, choice) for request in range(200) for choice in range(4))
    assert [event.kind for event in events].count("lost") == 1
