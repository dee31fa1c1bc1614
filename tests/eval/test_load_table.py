"""The verdict table: the same whatever else runs."""

from __future__ import annotations

import psutil

from eval.load_table import cases, cores, crowd, line, run_table
from sandbox import Outcome, Sandbox, Verdict

# Left out: what takes longest, and work whose amount must be calibrated on a quiet machine first.
CLOSE_TO_LIMITS = ("exact 0.5", "exact 2.0", "memory 0.5", "memory 1.5", "output", "exit", "signal", "error")


async def test_four_workers_a_core_give_the_same_table_as_one_worker() -> None:
    table = [case for case in cases({}) if any(word in case.name for word in CLOSE_TO_LIMITS)]
    async with Sandbox(1) as sandbox:
        alone = await run_table(table, sandbox)
    async with Sandbox(4 * cores()) as sandbox:
        crowded = await run_table(table, sandbox)
    lines = [line(case, outcome) for case, outcome in zip(table, alone, strict=True)]
    assert [line(case, outcome) for case, outcome in zip(table, crowded, strict=True)] == lines
    assert not [text for text in lines if "WRONG" in text]


def test_a_line_says_how_a_program_ended_but_not_how_long_it_took() -> None:
    case = cases({})[0]
    quick, slow = (
        Outcome(Verdict.OK, b"x", cpu_seconds=0.1, exit_code=0),
        Outcome(Verdict.OK, b"x", cpu_seconds=0.2, exit_code=0),
    )
    assert line(case, quick) == line(case, slow)
    assert line(case, quick) != line(case, Outcome(Verdict.OK, b"y", exit_code=0))
    assert line(case, Outcome(Verdict.RTE, exit_code=1)) != line(case, Outcome(Verdict.RTE, exit_code=2))
    assert "WRONG" in line(case, Outcome(Verdict.IE))


def test_every_verdict_that_a_run_can_have_is_in_the_table() -> None:
    found = {case.verdict for case in cases({"python": 1e6, "cpp": 1e6})}
    assert found >= {Verdict.OK, Verdict.TLE, Verdict.MLE, Verdict.RTE, Verdict.OLE, Verdict.CE}


def test_a_crowd_is_gone_after_its_block() -> None:
    before = set(psutil.Process().children())
    with crowd(2):
        assert len(set(psutil.Process().children()) - before) == 2
    assert set(psutil.Process().children()) <= before
