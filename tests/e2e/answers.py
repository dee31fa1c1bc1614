"""Recorded answers written by us for the bundled problem `fair-tickets`, and helpers to run `solve` on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROBLEM = ROOT / "examples" / "fair-tickets" / "problem.json"
SOLVE = Path(sys.executable).with_name("solve")

RIGHT = "n = int(input())\nprint(sum(x for x in map(int, input().split()) if x % 2 == 0))\n"
RIGHT_SLOWLY = (
    "input()\ntotal = 0\nfor x in input().split():\n    if int(x) % 2 == 0:\n        total += int(x)\nprint(total)\n"
)
SUM_OF_ALL = "input()\nprint(sum(map(int, input().split())))\n"
WRONG_WHEN_LARGE = (
    "input()\nt = sum(x for x in map(int, input().split()) if x % 2 == 0)\nprint(t if t < 50 else t + 1)\n"
)
CRASH = "print(1 // 0)\n"
SYNTAX_ERROR = "def broken(:\n    return\n"
LOOP = "while True:\n    pass\n"


def fenced(source: str, language: str = "python") -> str:
    return f"Here is my solution.\n\n```{language}\n{source}```\n"


def record(path: Path, texts: Sequence[str], finish_reason: str = "stop") -> Path:
    with path.open("w") as stream:
        for index, text in enumerate(texts):
            row = {
                "problem": "fair-tickets", "request": index // 4, "choice": index % 4, "text": text,
                "model": "written-by-us", "plan": "direct", "language": "python", "temperature": 0.8, "seed": index,
                "prompt_tokens": 100, "completion_tokens": 10 + index, "mean_logprob": -0.5,
                "finish_reason": finish_reason,
            }  # fmt: skip
            stream.write(json.dumps(row) + "\n")
    return path


def solve(
    *arguments: object, env: dict[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SOLVE), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **(env or {})},
    )


def without_machine(report: dict[str, Any]) -> dict[str, Any]:
    """The part of a report that must not depend on the machine or on interruptions."""
    return {key: value for key, value in report.items() if key not in ("timing", "machine")}
