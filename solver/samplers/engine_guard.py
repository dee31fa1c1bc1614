"""Ends what an engine process leaves behind (`python -m solver.samplers.engine_guard PID DIRECTORY`).

The engine process ends its group itself, unless it is killed with no time to do so: by the kernel when memory runs out,
or by Ray, which kills an actor's children with the actor, but not theirs. vLLM's processes would then keep their memory
for ever. Started by the engine process, in a session of its own; it waits for that process to be gone.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

from solver.samplers.process_group import end_group


def start_guard(directory: Path) -> None:
    """Of the calling process, which leads its group. directory: vLLM's sockets, removed at the end."""
    subprocess.Popen(
        [sys.executable, "-P", "-m", "solver.samplers.engine_guard", str(os.getpid()), str(directory)],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def main() -> None:
    pid, directory = int(sys.argv[1]), Path(sys.argv[2])
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        pass
    else:
        if os.getppid() == pid:  # else it was gone before, and the number is somebody else's by now
            select.select([handle], [], [])
    end_group(pid)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
