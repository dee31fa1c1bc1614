"""From what was seen of a run to its verdict."""

import dataclasses
import signal

import pytest

from sandbox import Limits, Program, Verdict
from sandbox.judgement import Ended, SetupFailed, judge

LIMITS = Limits(cpu_seconds=1.0, memory_bytes=2**28, output_bytes=1000)
PYTHON = Program("python", "")
CPP = Program("cpp", "")
FINE = Ended(
    code=0,
    signal=None,
    cpu=0.1,
    wall=0.2,
    memory=2**20,
    killed="",
    status=b"ready\n",
    written=3,
    output=b"42\n",
    stderr="",
)


def _verdict(program: Program, **changes: object) -> Verdict:
    return judge(program, LIMITS, dataclasses.replace(FINE, **changes)).verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Verdict.OK),
        ({"cpu": 1.0}, Verdict.OK),
        ({"cpu": 1.001}, Verdict.TLE),
        ({"wall": 1e6}, Verdict.OK),  # only the server's own backstop counts
        ({"killed": "wall", "code": None, "signal": 9}, Verdict.TLE),
        ({"written": 1000}, Verdict.OK),
        ({"written": 1001}, Verdict.OLE),
        ({"code": None, "signal": signal.SIGXFSZ}, Verdict.OLE),
        ({"memory": 2**28}, Verdict.OK),
        ({"memory": 2**28 + 1}, Verdict.MLE),
        ({"code": 1}, Verdict.RTE),
        ({"code": None, "signal": 9}, Verdict.RTE),
        ({"output": None, "output_error": "out is not a regular file"}, Verdict.RTE),
        ({"output": None}, Verdict.OK),
        ({"cpu": 2.0, "code": 1}, Verdict.TLE),
        # Too slow and too large: under less load it had been too large only.
        ({"killed": "cpu", "memory": 2**30, "code": None, "signal": 9}, Verdict.MLE),
        ({"killed": "wall", "memory": 2**30, "code": None, "signal": 9}, Verdict.MLE),
        ({"cpu": 2.0, "written": 5000, "code": None, "signal": 25}, Verdict.OLE),
    ],
)
@pytest.mark.parametrize("program", [PYTHON, CPP])
def test_verdict(program: Program, changes: dict[str, object], verdict: Verdict) -> None:
    assert _verdict(program, **changes) is verdict


def test_a_cpp_program_out_of_memory_says_bad_alloc() -> None:
    aborted = {"code": None, "signal": signal.SIGABRT}
    assert _verdict(CPP, **aborted, stderr="what():  std::bad_alloc\n") is Verdict.MLE
    assert _verdict(CPP, **aborted, stderr="what():  vector::at\n") is Verdict.RTE


def test_a_function_without_a_value_failed() -> None:
    function = Program("python", "", mode="function", entry_point="f")
    assert _verdict(function, output=b"") is Verdict.RTE
    assert _verdict(function, output=b"None") is Verdict.OK


@pytest.mark.parametrize("status", [b"", b"read", b"setup: OSError: no", b"ready\nsetup: OSError: no"])
def test_a_program_that_never_started_has_no_verdict(status: bytes) -> None:
    with pytest.raises(SetupFailed):
        judge(PYTHON, LIMITS, dataclasses.replace(FINE, status=status, code=1))


def test_a_compile_error_carries_the_compilers_words() -> None:
    outcome = judge(PYTHON, LIMITS, dataclasses.replace(FINE, status=b"ready\ncompile:SyntaxError: x", code=1))
    assert (outcome.verdict, outcome.stderr) == (Verdict.CE, "SyntaxError: x")


def test_a_programs_own_stderr_cannot_pass_for_a_status() -> None:
    assert _verdict(PYTHON, code=1, stderr="ready\ncompile:SyntaxError") is Verdict.RTE


def test_too_much_output_is_not_kept() -> None:
    assert judge(PYTHON, LIMITS, dataclasses.replace(FINE, written=2000)).output == b""
