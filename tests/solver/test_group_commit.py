"""Shared transactions: seen at once by their writer, on record soon after, and never half."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import Verdict
from solver.database import GROUP_SECONDS, GROUP_WRITES
from solver.errors import UserError
from solver.samplers import Sample
from solver.store import Execution, Store, StoredProgram

SAMPLE = Sample(0, 0, "```python\nprint(1)\n```", "m", "direct", "python", 0.7, 9, 11, 5, -0.25, "stop")


def add(store: Store, idx: int) -> None:
    program = StoredProgram(f"k{idx}", idx, "python", "print(1)\n")
    assert store.add_sample(idx, replace(SAMPLE, request=idx), "ok", program)


def on_record(path: Path) -> int:
    with sqlite3.connect(path) as other:
        return int(other.execute("SELECT count(*) FROM samples").fetchone()[0])


async def test_a_grouped_write_is_seen_at_once_here_and_after_a_commit_elsewhere(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        async with store.grouped():
            add(store, 0)
            assert store.has_sample(0, 0)
            assert store.program("k0").source == "print(1)\n"
            assert on_record(tmp_path / "s") == 0
            store.commit()
            assert on_record(tmp_path / "s") == 1
            add(store, 1)
        assert on_record(tmp_path / "s") == 2


async def test_a_group_is_committed_by_itself_after_a_while_or_when_it_is_large(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        async with store.grouped():
            add(store, 0)
            while on_record(tmp_path / "s") == 0:  # noqa: ASYNC110 (for ever, if it is not)
                await asyncio.sleep(GROUP_SECONDS)
            for idx in range(1, GROUP_WRITES + 1):
                add(store, idx)
            assert on_record(tmp_path / "s") >= GROUP_WRITES


async def test_a_group_that_an_error_ends_keeps_what_was_written_before(tmp_path: Path) -> None:
    async def fail(store: Store) -> None:
        async with store.grouped():
            add(store, 0)
            raise RuntimeError("elsewhere")

    with Store(tmp_path / "s") as store:
        with pytest.raises(RuntimeError, match="elsewhere"):
            await fail(store)
        assert on_record(tmp_path / "s") == 1


async def test_after_a_write_that_failed_nobody_builds_on_what_went_with_it(tmp_path: Path) -> None:
    def fill_up(store: Store) -> None:
        store.query("PRAGMA max_page_count = 60")
        for idx in range(1, GROUP_WRITES):
            store.add_sample(idx, replace(SAMPLE, request=idx, text=os.urandom(500).hex()), "no_code", None)

    async def go_on_regardless(store: Store) -> None:
        async with store.grouped():
            add(store, 0)
            store.commit()
            with pytest.raises(sqlite3.OperationalError, match="full"):
                fill_up(store)
            with pytest.raises(sqlite3.OperationalError, match="full"):
                store.add_execution(Execution("k0", 0, Verdict.AC, "a", 0, 0, 0, 0, None, ""))

    with Store(tmp_path / "s") as store:
        with pytest.raises(sqlite3.OperationalError, match="full"):
            await go_on_regardless(store)
        assert store.query("SELECT idx FROM sample_rows") == [(0,)]
        assert store.query("SELECT count(*) FROM execution_rows") == [(0,)]


def test_kill_dash_nine_loses_no_more_than_the_last_group_and_no_half_of_anything(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, signal
from pathlib import Path
from group_tests import add
from solver.database import GROUP_SECONDS
from solver.store import Store
async def main():
    store = Store(Path({str(tmp_path / "s")!r}))
    async with store.grouped():
        for idx in range(100):
            add(store, idx)
        while store._db.in_transaction:
            await asyncio.sleep(GROUP_SECONDS)
        for idx in range(100, 150):
            add(store, idx)
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    (tmp_path / "group_tests.py").write_text(Path(__file__).read_text())
    died = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    with Store(tmp_path / "s") as store:
        kept = [sample.idx for sample in store.stored_samples()]
        assert kept == list(range(100))
        assert [store.program(f"k{idx}").first_sample for idx in kept] == kept


def test_a_store_of_an_older_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "old"
    with sqlite3.connect(path) as old:
        old.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
        old.execute("CREATE TABLE samples (idx INTEGER PRIMARY KEY)")
        old.execute("INSERT INTO meta VALUES ('schema', '2')")
    with pytest.raises(UserError, match="schema 2"):
        Store(path)
    with sqlite3.connect(path) as old:
        assert old.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall() == [("meta",), ("samples",)]


def test_a_source_that_does_not_stand_in_its_answer_as_it_is_is_kept_beside_it(tmp_path: Path) -> None:
    answer = "```python\r\nif 1:\r\n    print(1)\r\n```"
    program = StoredProgram("k", 0, "python", "if 1:\n    print(1)\n")
    with Store(tmp_path / "s") as store:
        store.add_sample(0, replace(SAMPLE, text=answer), "ok", program)
        assert store.program("k") == program


async def test_whatever_breaks_a_write_off_nobody_builds_on_rows_that_went_with_it(tmp_path: Path) -> None:
    async def write(store: Store) -> None:
        async with store.grouped():
            add(store, 0)
            with pytest.raises(ValueError, match="no answer"), store.transaction():
                raise ValueError("no answer")
            add(store, 1)

    with Store(tmp_path / "s") as store:
        with pytest.raises(sqlite3.DatabaseError, match="a write broke off: ValueError"):
            await write(store)
        assert on_record(tmp_path / "s") == 0
