"""How many GPUs a run here would have, by a `nvidia-smi` of ours."""

from pathlib import Path

import pytest

from solver.gpus import gpu_names, usable_gpus


@pytest.fixture
def four(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nfor i in 0 1 2 3; do echo 'A GPU, 80000 MiB'; done\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return monkeypatch


def test_every_gpu_that_the_tool_names_counts(four: pytest.MonkeyPatch) -> None:
    assert gpu_names() == ["A GPU, 80000 MiB"] * 4
    assert usable_gpus() == 4


@pytest.mark.parametrize(("allowed", "count"), [("0,2", 2), ("", 0), ("0,1,2,3,4,5", 4)])
def test_only_those_that_the_environment_allows_are_used(four: pytest.MonkeyPatch, allowed: str, count: int) -> None:
    four.setenv("CUDA_VISIBLE_DEVICES", allowed)
    assert usable_gpus() == count


def test_without_the_tool_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert usable_gpus() == 0
