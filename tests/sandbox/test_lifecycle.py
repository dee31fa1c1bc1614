"""Starting, cancelling, losing and ending workers: nothing is left running, nothing on disk."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from sandbox import Limits, Outcome, Program, Sandbox, SandboxUnavailable, Verdict, probe
from sandbox.binaries import Binaries

HELLO = Program("python", "print('hello')")
SLEEP = Program("python", "import time; time.sleep(60)")
LIMITS = Limits()
REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def _descendants() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if "sandbox" in " ".join(p.cmdline())]


async def _until_gone(processes: list[psutil.Process]) -> None:
    async with asyncio.timeout(20):
        while any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_after_close_nothing_runs_and_nothing_is_on_disk(own_tmp: Path) -> None:
    before = _descendants()
    async with Sandbox(2) as sandbox:
        processes = [p for p in _descendants() if p not in before]
        assert len(processes) >= 4  # two supervisors with a fork server each
        await sandbox.run(HELLO, b"", LIMITS)
        under_way = asyncio.create_task(sandbox.run(SLEEP, b"", LIMITS))
        await asyncio.sleep(0.2)
    with pytest.raises(RuntimeError, match="closed"):
        await under_way
    assert not [p for p in processes if p.is_running()]
    assert list(own_tmp.iterdir()) == []


async def test_running_on_a_closed_sandbox_says_so() -> None:
    async with Sandbox(1) as sandbox:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        await sandbox.run(HELLO, b"", LIMITS)
    with pytest.raises(RuntimeError, match="closed"):
        await Sandbox(1).run(HELLO, b"", LIMITS)


async def test_runs_that_wait_for_a_worker_end_with_the_sandbox() -> None:
    async with Sandbox(1) as sandbox:
        tasks = [asyncio.create_task(sandbox.run(SLEEP, b"", LIMITS)) for _ in range(5)]
        await asyncio.sleep(0.2)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [RuntimeError] * 5


async def test_cancelled_runs_do_not_put_the_protocol_out_of_step() -> None:
    async with Sandbox(1) as sandbox:
        for delay in (0.0, 0.001, 0.005, 0.01, 0.05, 0.2):
            task = asyncio.create_task(sandbox.run(SLEEP, b"x" * 100_000, LIMITS))
            await asyncio.sleep(delay)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(10):
                outcome = await sandbox.run(HELLO, b"", LIMITS)
            assert (outcome.verdict, outcome.output) == (Verdict.OK, b"hello\n")


async def test_a_killed_supervisor_is_replaced_and_its_run_repeated() -> None:
    before = _descendants()
    async with Sandbox(1) as sandbox:
        first = [p for p in _descendants() if p not in before]
        program = Program("python", "import time; time.sleep(0.5); print('done')")
        task = asyncio.create_task(sandbox.run(program, b"", LIMITS))
        await asyncio.sleep(0.2)
        psutil.Process(sandbox._workers[0]._process.pid).kill()  # type: ignore[union-attr]
        outcome = await task
        assert (outcome.verdict, outcome.output) == (Verdict.OK, b"done\n")
        await _until_gone(first)


async def test_a_killed_fork_server_is_replaced_and_its_run_repeated() -> None:
    async with Sandbox(1) as sandbox:
        supervisor = psutil.Process(sandbox._workers[0]._process.pid)  # type: ignore[union-attr]
        for process in supervisor.children(recursive=True):
            process.kill()
        outcome = await sandbox.run(HELLO, b"", LIMITS)
        assert (outcome.verdict, outcome.output) == (Verdict.OK, b"hello\n")


async def test_when_every_worker_is_lost_twice_the_outcome_is_an_internal_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Sandbox(1) as sandbox:
        worker = sandbox._workers[0]
        monkeypatch.setattr("sandbox.worker._BOOT", "raise SystemExit(1)")
        worker.kill()
        outcome = await sandbox.run(HELLO, b"", LIMITS)
        assert outcome.verdict is Verdict.IE
        monkeypatch.undo()
        assert (await sandbox.run(HELLO, b"", LIMITS)).verdict is Verdict.OK


async def test_a_hung_supervisor_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.pool._HANG_SECONDS", 0.5)
    async with Sandbox(1) as sandbox:
        psutil.Process(sandbox._workers[0]._process.pid).suspend()  # type: ignore[union-attr]
        outcome = await sandbox.run(HELLO, b"", Limits(wall_seconds=1.0))
        assert outcome.verdict is Verdict.OK


async def test_concurrent_runs_get_their_own_answers() -> None:
    program = Program("python", "print(input() * 2)")
    async with Sandbox(2) as sandbox:
        runs = (sandbox.run(program, b"%d\n" % i, LIMITS) for i in range(60))
        outcomes = await asyncio.gather(*runs)
    assert [outcome.output for outcome in outcomes] == [b"%d%d\n" % (i, i) for i in range(60)]


DRIVER = """
import asyncio
from sandbox import Limits, Program, Sandbox
async def main():
    async with Sandbox(2) as sandbox:
        run = sandbox.run(Program("python", "import time; time.sleep(60)"), b"", Limits())
        task = asyncio.create_task(run)
        await asyncio.sleep(0.3)
        print("running", flush=True)
        await task
asyncio.run(main())
"""


def test_a_killed_driver_takes_everything_along_and_the_next_one_clears_up(own_tmp: Path) -> None:
    driver = subprocess.Popen([sys.executable, "-c", DRIVER], stdout=subprocess.PIPE, cwd=REPOSITORY, env=os.environ)
    assert driver.stdout is not None
    assert driver.stdout.readline() == b"running\n"
    below = psutil.Process(driver.pid).children(recursive=True)
    assert len(below) >= 5  # supervisors, fork servers, the sleeper
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    driver.stdout.close()
    asyncio.run(_until_gone(below))
    assert list(own_tmp.glob("codesieve-*/sandbox-*"))
    probe()
    assert list(own_tmp.iterdir()) == []


async def test_a_sandbox_does_not_clear_away_a_living_ones_directory(own_tmp: Path) -> None:
    async with Sandbox(1) as first:
        async with Sandbox(1):
            pass
        assert (await first.run(HELLO, b"", LIMITS)).verdict is Verdict.OK
        assert len(list(own_tmp.glob("codesieve-*/sandbox-*"))) == 1


async def test_a_directory_planted_by_somebody_else_is_refused(own_tmp: Path) -> None:
    (own_tmp / f"codesieve-{os.geteuid()}").symlink_to("/")
    with pytest.raises(SandboxUnavailable, match="private directory"):
        async with Sandbox(1):
            pass


def test_no_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Sandbox(0)


async def test_a_program_is_compiled_once_for_all_and_again_after_an_internal_error(tmp_path: Path) -> None:
    verdicts = [Verdict.IE, Verdict.OK]
    compiled: list[Path] = []

    async def compile_to(path: Path) -> Outcome:
        compiled.append(path)
        path.write_text("binary")
        await asyncio.sleep(0)
        return Outcome(verdicts[len(compiled) - 1])

    cache = Binaries(tmp_path)

    async def use() -> Verdict:
        async with cache.use(HELLO.digest, compile_to) as (_, outcome):
            return outcome.verdict

    assert await asyncio.gather(use(), use()) == [Verdict.IE] * 2
    assert await asyncio.gather(*(use() for _ in range(5))) == [Verdict.OK] * 5
    assert len(compiled) == 2


async def test_the_oldest_binaries_make_room_but_never_one_in_use(tmp_path: Path) -> None:
    async def compile_to(path: Path) -> Outcome:
        path.write_bytes(b"x" * 100)
        return Outcome(Verdict.OK)

    cache = Binaries(tmp_path, max_bytes=250)
    programs = [Program("cpp", str(i)) for i in range(5)]
    async with cache.use(programs[0].digest, compile_to):
        for program in programs[1:]:
            async with cache.use(program.digest, compile_to):
                pass
        left = {path.name for path in tmp_path.iterdir()}
    assert left == {programs[0].digest, programs[4].digest}
