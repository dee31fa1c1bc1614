"""Each layer of confinement is what stops something: without it, the same attack gets through."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from sandbox import Program, SandboxUnavailable, Verdict, probe
from sandbox.isolation import IsolationReport, Layer

from .conftest import Bench

REPOSITORY = Path(__file__).parent.parent.parent
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
    assert set(NAMESPACES) | {"landlock", "seccomp", "rlimits", "uid", "no_new_privs"} <= set(report.layers)


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


def test_without_namespaces_landlock_keeps_files_away() -> None:
    steal = "print(open('/etc/passwd').read())"
    with Bench(_without=NAMESPACES) as bench:
        assert bench.sandbox.isolation.floor_reached
        assert "Permission denied" in bench.python(steal).stderr
        bench.assert_unharmed()
    with Bench(_without={*NAMESPACES, "landlock"}, allow_unsafe=True) as bench:
        assert b"root" in bench.python(steal).output


def test_without_landlock_the_mount_namespace_keeps_files_away() -> None:
    with Bench(_without={"landlock"}) as bench:
        if not bench.sandbox.isolation.active("mount"):
            pytest.skip("no mount namespace here")
        assert bench.sandbox.isolation.floor_reached
        assert "No such file" in bench.python("print(open('/etc/passwd').read())").stderr
        assert bench.python("import os; print(os.path.exists('/tmp'), os.listdir('/'))").verdict is Verdict.OK
        bench.assert_unharmed()


def test_seccomp_is_what_stops_a_fork() -> None:
    fork = "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0); print('forked')"
    with Bench() as bench:
        assert bench.python(fork).verdict is Verdict.RTE
    with Bench(_without={"seccomp"}, allow_unsafe=True) as bench:
        assert bench.python(fork).output == b"forked\n"
        orphan = "import os, time\nif not os.fork():\n    os.setsid(); time.sleep(60)"
        assert bench.python(orphan).verdict is Verdict.OK
        bench.assert_unharmed()


def test_rlimits_are_what_stops_memory() -> None:
    bomb = "x = bytearray(2**30); print('got it')"
    with Bench(_without={"rlimits"}, allow_unsafe=True) as bench:
        outcome = bench.python(bomb)
        assert (outcome.output, outcome.verdict) == (b"got it\n", Verdict.MLE)
    with Bench() as bench:
        assert bench.python(bomb).output == b""


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


AS_NOBODY = """
import asyncio, sys
sys.path[:0] = sys.argv[1:3]
from sandbox import Limits, Program, Sandbox
async def main(without):
    async with Sandbox(1, _without=without) as sandbox:
        for program in (
            Program("python", "print(int(input()) + 1)"),
            Program("python", "print(open('/etc/passwd').read())"),
            Program("python", "import os; os.fork()"),
        ):
            print((await sandbox.run(program, b"41", Limits())).verdict, end=" ")
        print(*[name for name, layer in sandbox.isolation.layers.items() if layer.active])
asyncio.run(main(sys.argv[3].split(",")))
"""


@pytest.mark.parametrize("without", ["", ",".join(NAMESPACES)], ids=["with namespaces", "without namespaces"])
def test_an_ordinary_user_is_served_too(without: str, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("the other tests show it")
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python is None or ours not in subprocess.run([python, "-V"], capture_output=True, text=True).stdout:
        pytest.skip(f"no system Python {ours} that another user could run")
    home = tmp_path / "nobody"
    home.mkdir()
    for path in (home, *tmp_path.parents):
        if path.is_relative_to("/tmp") and path != Path("/tmp"):
            path.chmod(0o755)
    os.chown(home, 65534, 65534)
    packages = str(Path(msgspec.__file__).parent.parent)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", python, "-c", AS_NOBODY]
    answer = subprocess.run(
        [*command, str(REPOSITORY), packages, without],
        capture_output=True,
        text=True,
        cwd="/",
        env={"TMPDIR": str(home), "PATH": "/usr/bin:/bin"},
        timeout=60,
    )
    assert answer.stdout.startswith("OK RTE RTE "), answer.stderr
    assert "landlock" in answer.stdout
    assert ("pid" in answer.stdout.split()) is (not without and "user" in answer.stdout.split())
    assert list(home.iterdir()) == []
