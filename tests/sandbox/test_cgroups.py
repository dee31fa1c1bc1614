"""Control groups: what lies in files counts as memory, the kernel ends the program and not its server, none is left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Limits, Program, Sandbox, Verdict, cgroups

from .conftest import Bench

LIMITS = Limits(cpu_seconds=10.0, memory_bytes=64 * 2**20, output_bytes=2**20)
HOARD = "for i in range(200):\n    with open(f'f{i}', 'wb') as f: f.write(b'x' * 10**6)\nprint('kept it all')"


@pytest.fixture
def grouped() -> Iterator[Bench]:
    with Bench() as bench:
        if not bench.sandbox.isolation.active("cgroup"):
            pytest.skip(bench.sandbox.isolation.layers["cgroup"].detail)
        yield bench


def test_memory_in_files_counts(grouped: Bench) -> None:
    if not grouped.sandbox.isolation.active("mount"):
        pytest.skip("no tmpfs to fill")
    assert grouped.python(HOARD, limits=LIMITS).verdict is Verdict.MLE
    grouped.assert_unharmed()


def test_a_program_that_kills_itself_is_not_taken_for_one_out_of_memory(grouped: Bench) -> None:
    suicide = "import os; os.kill(os.getpid(), 9)"
    assert grouped.python(suicide).verdict is Verdict.RTE
    assert grouped.python("x = b'x' * (300 << 20)", limits=LIMITS).verdict is Verdict.MLE
    assert grouped.python(suicide).verdict is Verdict.RTE


def test_the_server_outlives_a_program_that_is_out_of_memory(grouped: Bench) -> None:
    processes = _below(os.getpid())
    for _ in range(3):
        assert grouped.python("x = b'x' * (300 << 20)", limits=LIMITS).verdict is Verdict.MLE
    assert _below(os.getpid()) == processes
    grouped.assert_unharmed()


def _below(pid: int) -> set[int]:
    text = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    found = set(map(int, text.split()))
    return found.union(*map(_below, found))


def test_a_smaller_limit_follows_a_larger_one(grouped: Bench) -> None:
    large = Limits(cpu_seconds=10.0, memory_bytes=512 * 2**20)
    assert grouped.python("x = b'x' * (300 << 20); print(1)", limits=large).verdict is Verdict.OK
    assert grouped.python("x = b'x' * (300 << 20); print(1)", limits=LIMITS).verdict is Verdict.MLE


def test_large_outputs_do_not_count_as_memory(grouped: Bench) -> None:
    limits = Limits(cpu_seconds=10.0, memory_bytes=64 * 2**20, output_bytes=200 * 2**20)
    outcome = grouped.python("import os\nfor _ in range(150): os.write(1, b'x' * 2**20)", limits=limits)
    assert (outcome.verdict, len(outcome.output)) == (Verdict.OK, 150 * 2**20)


def test_groups_are_gone_after_closing() -> None:
    async def main() -> None:
        async with Sandbox(2) as sandbox:
            await sandbox.run(Program("python", "print(1)"), b"", LIMITS)
            owners.extend(set(_below(os.getpid())) - before)
            if sandbox.isolation.active("cgroup"):
                assert cgroups.count(owners) > 0

    before = set(_below(os.getpid()))  # other tests' sandboxes
    owners: list[int] = []
    asyncio.run(main())
    assert cgroups.count(owners) == 0


def test_abandoned_groups_are_swept() -> None:
    group, reason = cgroups.open_cgroup()
    if group is None:
        pytest.skip(reason)
    paths = list(group._directories)
    abandoned = [path.with_name("codesieve-1-7") for path in paths]  # process 1 did not start at tick 7
    for path in abandoned:
        path.mkdir()
    cgroups.sweep()
    assert not any(path.exists() for path in abandoned)
    assert all(path.exists() for path in paths)
    group.close()
    assert not any(path.exists() for path in paths)


def test_version_2_is_spoken_by_its_own_names(tmp_path: Path) -> None:
    for name, text in {"cgroup.procs": "", "memory.max": "max", "memory.current": "1000", "pids.max": "max"}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "memory.events").write_text("low 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n")
    group = cgroups.Cgroup(2, tmp_path, tmp_path)
    group.settle()
    group.limit(10**9, 10**6)
    assert int((tmp_path / "memory.max").read_text()) > 10**9 + 10**6
    assert int((tmp_path / "pids.max").read_text()) < 1000
    assert not group.killed()
    (tmp_path / "memory.events").write_text("low 0\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n")
    assert group.killed()
    assert not group.killed()
    assert group.detail == "version 2: memory, processes"
