"""Asking the machine's own tools."""

from __future__ import annotations

import shutil
import subprocess

_TIMEOUT_SECONDS = 15.0


def tool_lines(*command: str) -> list[str]:
    """Output lines of a tool; none when it is missing, fails or hangs."""
    if shutil.which(command[0]) is None:
        return []
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []
