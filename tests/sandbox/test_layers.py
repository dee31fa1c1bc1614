"""The floor of isolation, and what works above and below it. What each layer stops: `test_selfcheck`."""

import os
import shutil

import pytest

from sandbox import Program, SandboxUnavailable, Verdict, probe
from sandbox.isolation import IsolationReport, Layer

from .conftest import Bench

NAMESPACES = ("user", "mount", "pid", "net", "ipc", "uts")


def _report(*active: str) -> IsolationReport:
    return IsolationReport({name: Layer(True, "") for name in active})


@pytest.mark.parametrize(
    ("active", "enough"),
    [
        (("landlock", "seccomp", "rlimits"), True),
        (("mount", "pid", "net", "seccomp", "rlimits"), True),
        (("mount", "net", "seccomp", "rlimits"), False),
        (("landlock", "mount", "pid", "net", "seccomp"), False),
        (("landlock", "mount", "pid", "net", "rlimits"), False),
        ((), False),
    ],
)
def test_the_floor(active: tuple[str, ...], enough: bool) -> None:
    assert _report(*active).floor_reached is enough


def test_this_machine_is_probed_and_reaches_the_floor() -> None:
    report = probe()
    assert report.floor_reached, report.summary
    assert set(NAMESPACES) | {"landlock", "seccomp", "rlimits", "uid", "no_new_privs", "cgroup"} <= set(report.layers)


def test_below_the_floor_nothing_starts() -> None:
    with pytest.raises(SandboxUnavailable, match=r"missing: .*seccomp \(switched off\)"), Bench(_without={"seccomp"}):
        pass


def test_below_the_floor_the_user_may_insist() -> None:
    everything = {*NAMESPACES, "landlock", "seccomp", "rlimits", "uid"}
    with Bench(_without=everything, allow_unsafe=True) as bench:
        assert not bench.sandbox.isolation.floor_reached
        bench.assert_unharmed()
        stray = "import os, time\nif not os.fork():\n    os.setsid(); time.sleep(60)\nprint('left one')"
        assert bench.python(stray).output == b"left one\n"
        bench.assert_unharmed()


def test_without_namespaces_programs_and_compilers_work_and_scratch_is_bounded() -> None:
    with Bench(_without=NAMESPACES) as bench:
        assert bench.python("open('new', 'w')").verdict is Verdict.RTE
        if shutil.which("g++"):
            outcome = bench.cpp('#include <cstdio>\nint main() { puts("hi"); }')
            assert (outcome.verdict, outcome.output) == (Verdict.OK, b"hi\n")
        bench.assert_unharmed()


def test_file_mode_works_without_namespaces() -> None:
    program = Program(
        "python", "open('b', 'w').write(open('a').read()[::-1])", mode="file", input_file="a", output_file="b"
    )
    with Bench(_without=NAMESPACES) as bench:
        for _ in range(2):
            outcome = bench.run(program, b"abc")
            assert (outcome.verdict, outcome.output) == (Verdict.OK, b"cba")


def test_as_root_programs_run_as_nobody() -> None:
    if os.geteuid() != 0:
        pytest.skip("not root")
    for without in ((), NAMESPACES):
        with Bench(_without=without) as bench:
            user = bench.python("import os; print(os.getuid())").output
            if bench.sandbox.isolation.active("uid"):
                assert user == b"65534\n"
