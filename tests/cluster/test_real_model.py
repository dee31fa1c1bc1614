"""`solve batch` with a real model in a replica on a real Ray node. Slow: run by scripts/test-model."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from solver.cluster.local import LocalCluster
from solver.store import Store
from tests.conftest import REPOSITORY
from tests.e2e.answers import SOLVE, solve

pytestmark = pytest.mark.model

OPTIONS = [
    *("--model", "qwen2.5-coder-0.5b", "--plans", "direct", "--max-tokens", "96", "--samples", "40", "--inputs", "4"),
    *("--agreement", "0", "--workers", "1", "--gpus-per-replica", "0", "--sandbox-cpus", "1"),
]


def test_a_replica_whose_engine_is_killed_is_replaced_and_the_batch_ends_with_nothing_twice(tmp_path: Path) -> None:
    began = time.time()
    with LocalCluster() as cluster:
        cluster.add(cpus=2)
        out = tmp_path / "batch"
        command = [SOLVE, "batch", REPOSITORY / "examples", "--limit", "2", *OPTIONS, "--ray", cluster.address]
        process = subprocess.Popen([*map(str, command), "--json", "--quiet", "--out", str(out)], stdout=subprocess.PIPE)
        _wait_for_samples(out, 4, process)
        for engine in _engines(began):
            with contextlib.suppress(psutil.Error):
                engine.send_signal(signal.SIGKILL)
        told, _ = process.communicate(timeout=900)
        results = json.loads(told)
        assert process.returncode == 0
        assert (results["cluster"]["lost"], results["cluster"]["actors"]) == ({"model": 1}, {"sandbox": 2, "model": 2})
        for path in out.glob("problems/*/run.sqlite"):
            with Store(path) as store:
                assert store.query("SELECT count(*) FROM samples")[0][0] == 40
                assert store.query("SELECT count(*) FROM executions WHERE runs > 1")[0][0] == 0
        (session,) = (json.loads(path.read_text()) for path in out.glob("sessions/*.json"))
        assert session["engine"]["prefix_cache_hit_rate"] > 0
        _, alive = psutil.wait_procs(_engines(began), timeout=30)
        assert not alive, "the replica's engine ends with the batch, also when Ray kills the actor and its child"
    assert solve("report", out, "--json").returncode == 0


def _engines(since: float) -> list[psutil.Process]:
    return [one for one in psutil.process_iter() if one.name().startswith("VLLM") and one.create_time() > since]


def _wait_for_samples(out: Path, least: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and process.poll() is None:
        found = 0
        for path in out.glob("problems/*/run.sqlite"):
            with Store(path) as store:
                found += store.query("SELECT count(*) FROM samples")[0][0]
        if found >= least:
            return
        time.sleep(0.2)
    raise AssertionError("the batch ended, or sampled nothing, before its engine could be killed")
