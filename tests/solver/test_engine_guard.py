"""Whatever kills the engine process, nothing below it stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ENGINE = """
import subprocess, sys, time
from pathlib import Path
from solver.samplers.engine_guard import start_guard
start_guard(Path(sys.argv[1]))
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(100)"
below = subprocess.Popen([sys.executable, "-c", stubborn])
print(below.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("killed", [True, False])
def test_its_children_and_its_sockets_go_with_it(tmp_path: Path, killed: bool) -> None:
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    (sockets / "one").touch()
    command = [sys.executable, "-P", "-c", ENGINE, str(sockets)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, start_new_session=True, **pipes) as engine:  # type: ignore[call-overload]
        below = psutil.Process(int(engine.stdout.readline()))
        guards = [child for child in psutil.Process(engine.pid).children() if "engine_guard" in str(child.cmdline())]
        if killed:
            engine.send_signal(signal.SIGKILL)
        else:
            engine.stdin.close()
        gone, alive = psutil.wait_procs([below, *guards], timeout=30)
    assert (len(gone), alive) == (2, [])
    assert not sockets.exists()
