"""Edges of the verdicts: streams used in unusual ways and whose fault an end is."""

from __future__ import annotations

import asyncio
import contextlib
import os

import psutil
import pytest

from sandbox import Limits, Outcome, Program, Sandbox, Verdict

from .conftest import Bench

BIG = Limits(cpu_seconds=10, output_bytes=2**26, memory_bytes=2**28)
NAP = Program("python", "import time; time.sleep(1); print('done')")
LIMITS = Limits()


def test_input_that_is_not_read_harms_nobody(bench: Bench) -> None:
    assert bench.python("print(1)", os.urandom(2**20) * 64, BIG).output == b"1\n"


def test_output_before_an_early_close_counts(bench: Bench) -> None:
    outcome = bench.python("import os\nprint('early', flush=True)\nos.close(1)\nos.close(0)")
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"early\n")


def test_printing_to_a_closed_output_is_a_runtime_error_that_keeps_what_came_before(bench: Bench) -> None:
    outcome = bench.python("import sys\nprint('early', flush=True)\nsys.stdout.close()\nprint('late')")
    assert (outcome.verdict, outcome.output) == (Verdict.RTE, b"early\n")


@pytest.mark.parametrize("data", [b"a\0b\0\n", b"\xff\xfe\x80\xc3(\xed\xa0\x80", b"", b"\n", b"no newline"])
def test_any_bytes_come_through_python_unchanged(bench: Bench, data: bytes) -> None:
    assert bench.python("import sys; sys.stdout.write(sys.stdin.read())", data).output == data


def test_integers_of_many_digits_can_be_read_and_printed(bench: Bench) -> None:
    assert bench.python("print(int(input()) + 1)", b"9" * 30_000 + b"\n").output == b"1" + b"0" * 30_000 + b"\n"


def test_sixty_four_megabytes_through_cpp(cpp_bench: Bench) -> None:
    source = (
        "#include <cstdio>\nint main() { static char b[65536]; size_t n; "
        "while ((n = fread(b, 1, sizeof b, stdin))) fwrite(b, 1, n, stdout); }"
    )
    data = os.urandom(2**20) * 64
    outcome = cpp_bench.run(Program("cpp", source), data, BIG)
    assert (outcome.verdict, outcome.output == data) == (Verdict.OK, True)


def test_threads_of_cpp_share_one_cpu_limit(cpp_bench: Bench) -> None:
    source = (
        "#include <ctime>\n#include <thread>\n"
        "void burn() { while (clock() < 1.5 * CLOCKS_PER_SEC); }\n"
        "int main() { std::thread a(burn), b(burn); a.join(); b.join(); }"
    )
    assert cpp_bench.cpp(source, limits=Limits(cpu_seconds=0.5)).verdict is Verdict.TLE
    assert cpp_bench.cpp(source, limits=Limits(cpu_seconds=4.0)).verdict is Verdict.OK


@pytest.mark.parametrize("source", ["x" * 10**6 + " y", "'" + "z" * 10**6, "\n" * 10**5 + "def"])
def test_the_message_of_a_compile_error_is_short(bench: Bench, source: str) -> None:
    outcome = bench.python(source)
    assert outcome.verdict is Verdict.CE
    assert 0 < len(outcome.stderr.encode()) <= 2048


async def _run_and_kill(times: int) -> Outcome:
    """A run whose fork server dies under it that many times."""
    async with Sandbox(1) as sandbox:
        task = asyncio.create_task(sandbox.run(NAP, b"", LIMITS))
        for _ in range(times):
            below = await _sleeper(sandbox)
            for process in below:
                with contextlib.suppress(psutil.NoSuchProcess):  # it went with the one above it
                    process.kill()
            async with asyncio.timeout(20):
                while any(map(_lives, below)):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        outcome = await task
        assert (await sandbox.run(Program("python", "print(1)"), b"", LIMITS)).output == b"1\n"
        return outcome


def _lives(process: psutil.Process) -> bool:
    """A zombie does not; who reaps orphans may take its time."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def _sleeper(sandbox: Sandbox) -> list[psutil.Process]:
    """The fork servers and the program, once there is one: a program leads a process group of its own."""
    async with asyncio.timeout(30):
        while True:
            await asyncio.sleep(0.05)
            try:
                supervisor = psutil.Process(sandbox._workers[0]._process.pid)  # type: ignore[union-attr]
                below = supervisor.children(recursive=True)
                if any(os.getpgid(process.pid) == process.pid for process in below):
                    return below
            except (AttributeError, psutil.NoSuchProcess, ProcessLookupError):
                continue


async def test_a_fork_server_killed_under_a_run_costs_the_program_nothing() -> None:
    outcome = await _run_and_kill(1)
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"done\n")


async def test_a_fork_server_killed_twice_under_a_run_is_an_internal_error() -> None:
    outcome = await _run_and_kill(2)
    assert (outcome.verdict, outcome.output, outcome.stderr != "") == (Verdict.IE, b"", True)


async def test_a_program_that_kills_itself_or_its_server_is_the_programs_fault() -> None:
    source = "import os, signal\ntry: os.kill(os.getppid(), signal.SIGKILL)\nexcept OSError: pass\nos.kill(0, 9)"
    async with Sandbox(1) as sandbox:
        outcome = await sandbox.run(Program("python", source), b"", LIMITS)
    assert outcome.verdict is Verdict.RTE


async def test_a_sigterm_from_outside_costs_the_program_nothing() -> None:
    async with Sandbox(1) as sandbox:
        task = asyncio.create_task(sandbox.run(NAP, b"", LIMITS))
        for process in await _sleeper(sandbox):
            if os.getpgid(process.pid) == process.pid:
                process.terminate()
        outcome = await task
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"done\n")


async def test_a_program_that_sends_itself_a_sigterm_ends_by_it() -> None:
    source = "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)"
    async with Sandbox(1) as sandbox:
        outcome = await sandbox.run(Program("python", source), b"", LIMITS)
    assert (outcome.verdict, outcome.signal) == (Verdict.RTE, 15)


async def test_a_compiler_that_is_told_to_end_compiles_again() -> None:
    async with Sandbox(1) as sandbox:
        program = Program("cpp", '#include <cstdio>\nint main() { puts("5"); }')
        task = asyncio.create_task(sandbox.run(program, b"", LIMITS))
        async with asyncio.timeout(60):
            while not (compilers := _compilers()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        for process in compilers:
            process.terminate()
        outcome = await task
    assert (outcome.verdict, outcome.output) == (Verdict.OK, b"5\n")


def _compilers() -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return [process for process in psutil.Process().children(recursive=True) if process.name() == "cc1plus"]
    return []
