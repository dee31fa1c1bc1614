"""Kattis packages for tests, written out file by file."""

from __future__ import annotations

from pathlib import Path

# Prints the double of the number it reads.
DOUBLE = "print(2 * int(input()))\n"


def write(root: Path, files: dict[str, str]) -> Path:
    """The files below `root`, with their directories."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def package(root: Path, changes: dict[str, str | None] | None = None) -> Path:
    """A package that asks for the double of a number. changes: text of files by name, None to leave one out."""
    files: dict[str, str | None] = {
        "problem.yaml": "name: Double\nlimits: {time_limit: 2}\n",
        "data/sample/1.in": "1\n",
        "data/sample/1.ans": "2\n",
        "data/secret/a.in": "20\n",
        "data/secret/a.ans": "40\n",
        "data/secret/b.in": "-3\n",
        "data/secret/b.ans": "-6\n",
        "submissions/accepted/double.py": DOUBLE,
        **(changes or {}),
    }
    return write(root, {name: text for name, text in files.items() if text is not None})
