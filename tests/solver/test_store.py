"""The run's record: what is committed survives, and nothing is recorded twice unseen."""

import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import Verdict
from solver.errors import UserError
from solver.samplers import Sample
from solver.store import Execution, RunInput, Store, StoredProgram

SAMPLE = Sample(0, 0, "print(1) # é\udcff", "m", "direct", "python", 0.7, 9, 11, 5, -0.25, "stop")
PROGRAM = StoredProgram("k1", 0, "python", "print(1)")
EXECUTION = Execution("k1", 0, Verdict.AC, "abc", 0.1, 0.2, 1000, 0, None, "")


def test_a_sample_comes_back_as_it_went_in_lone_surrogates_included(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.add_sample(0, SAMPLE, "ok", PROGRAM)
    with Store(tmp_path / "s") as store:
        assert list(store.raw_samples()) == [SAMPLE]
        assert store.program("k1") == PROGRAM


def test_the_same_program_in_a_second_sample_is_not_new(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        assert store.add_sample(0, SAMPLE, "ok", PROGRAM)
        again = replace(PROGRAM, first_sample=1, source="print( 1 )")
        assert not store.add_sample(1, replace(SAMPLE, choice=1), "ok", again)
        assert store.program("k1") == PROGRAM


def test_a_pair_recorded_twice_is_counted_and_keeps_its_first_verdict(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.add_sample(0, SAMPLE, "ok", PROGRAM)
        store.add_execution(EXECUTION)
        store.add_execution(replace(EXECUTION, verdict=Verdict.WA))
        assert store.execution("k1", 0) == EXECUTION
        assert store.query("SELECT runs FROM executions") == [(2,)]


def test_an_internal_error_is_no_execution_and_gives_way_to_a_later_verdict(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.add_sample(0, SAMPLE, "ok", PROGRAM)
        store.add_execution(replace(EXECUTION, verdict=Verdict.IE, behaviour=None))
        assert store.execution("k1", 0) is None
        store.add_execution(EXECUTION)
        assert store.execution("k1", 0) == EXECUTION
        assert store.query("SELECT runs FROM executions") == [(1,)]


def test_a_full_disk_is_reported_as_such_and_keeps_what_was_committed(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.query("PRAGMA max_page_count = 60")
        noise = [replace(SAMPLE, request=i, text=os.urandom(500).hex()) for i in range(1000)]
        with pytest.raises(sqlite3.OperationalError, match="full"):
            any(store.add_sample(i, sample, "ok", None) for i, sample in enumerate(noise))
        kept = [s.idx for s in store.stored_samples()]
        assert kept == list(range(len(kept)))
        assert kept


def test_a_survivors_behaviour_is_in_input_order_with_gaps_as_none(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.set_inputs(
            [RunInput(0, "example", "example 1", "x"), *(RunInput(i, "generated", "", "") for i in (1, 2, 3))]
        )
        store.add_sample(0, SAMPLE, "ok", PROGRAM)
        store.add_execution(replace(EXECUTION, input=3, behaviour="c"))
        store.add_execution(replace(EXECUTION, input=1, behaviour="a"))
        assert store.behaviour("k1") == ("a", None, "c")


def test_every_committed_row_survives_kill_dash_nine(tmp_path: Path) -> None:
    script = f"""
import os, signal
from dataclasses import replace
from pathlib import Path
from tests_store import SAMPLE, PROGRAM
from solver.store import Store
store = Store(Path({str(tmp_path / "s")!r}))
for i in range(100):
    store.add_sample(i, replace(SAMPLE, request=i), "ok", PROGRAM)
os.kill(os.getpid(), signal.SIGKILL)
"""
    (tmp_path / "tests_store.py").write_text(Path(__file__).read_text())
    died = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{Path.cwd()}"},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    with Store(tmp_path / "s") as store:
        assert [s.idx for s in store.stored_samples()] == list(range(100))
        assert store.next_request() == 100


def test_a_file_that_is_no_database_is_named_in_the_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my precious notes, long enough to be no SQLite header at all\n" * 50)
    with pytest.raises(UserError, match=r"notes\.txt"):
        Store(path)
    assert path.read_text().startswith("my precious")
