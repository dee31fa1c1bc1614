"""A run's directory: `config.json`, `problem.json`, `run.sqlite`, `submissions/01.py …`, `report.json`, `log.txt`.

One process works in it at a time (a lock file says which).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from pydantic import ValidationError

from sandbox import languages
from solver.choice import Submission
from solver.config import RunConfig
from solver.errors import UserError
from solver.problem import Problem
from solver.report import REPORT_FORMAT
from solver.store import Store


class RunDirectory:
    """Paths and files of one run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store_path = root / "run.sqlite"
        self.log_path = root / "log.txt"
        self.engine_log_path = root / "engine.log"
        self.report_path = root / "report.json"
        self._lock = FileLock(root / ".lock")

    @staticmethod
    def create(root: Path | None, problem: Problem, config: RunConfig) -> RunDirectory:
        """Raises `UserError` when the directory already holds a run or cannot be written."""
        root = root or _default_root(problem.name)
        _refuse_if_taken(root)
        try:
            root.mkdir(parents=True, exist_ok=True)
            run = RunDirectory(root)
            run.lock()
            _refuse_if_taken(root)  # again: another process may have come first
            _write_atomically(root / "problem.json", problem.model_dump_json(indent=2))
            _write_atomically(root / "config.json", config.model_dump_json(indent=2))
        except OSError as error:
            raise UserError(f"{root}: cannot be written ({error.strerror}); choose another --out") from None
        return run

    @staticmethod
    def open(root: Path) -> tuple[RunDirectory, Problem, RunConfig]:
        """Raises `UserError` when the directory is not a run."""
        try:
            config = RunConfig.model_validate_json((root / "config.json").read_bytes())
            problem = Problem.model_validate_json((root / "problem.json").read_bytes())
        except OSError as error:
            raise UserError(
                f"{root}: not a run directory ({error.strerror}: {Path(error.filename).name}); "
                "give the directory that `solve` named"
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            raise UserError(
                f"{root}: its {error.title} file is damaged or of another version ({first['msg']})"
            ) from None
        return RunDirectory(root), problem, config

    def lock(self) -> None:
        """Raises `UserError` when another process is working in this directory."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"{self.root}: another solve is working in this directory; wait for it or stop it"
            ) from None

    def unlock(self) -> None:
        self._lock.release()

    def discard(self) -> None:
        """Takes back what `create` made, for a run that could not begin; the engine's log stays."""
        for path in (*self.root.glob("run.sqlite*"), self.log_path, self.root / "problem.json", self.root / ".lock"):
            path.unlink(missing_ok=True)
        (self.root / "config.json").unlink(missing_ok=True)
        with suppress(OSError):
            self.root.rmdir()

    def write_submissions(self, submissions: list[Submission], store: Store) -> list[Path]:
        """One source file a submission, best first; replaces an earlier answer."""
        folder, fresh = self.root / "submissions", self.root / ".submissions.tmp"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        paths = []
        for submission in submissions:
            program = store.program(submission.program)
            path = fresh / f"{submission.rank:02d}{Path(languages()[program.language].source_name).suffix}"
            path.write_text(program.source, encoding="utf-8", errors="surrogatepass")
            paths.append(folder / path.name)
        shutil.rmtree(folder, ignore_errors=True)
        fresh.replace(folder)
        return paths

    def write_report(self, report: dict[str, Any]) -> None:
        _write_atomically(self.report_path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")

    def read_report(self) -> dict[str, Any]:
        """Raises `UserError` when the run has no report yet."""
        try:
            report = json.loads(self.report_path.read_text(encoding="utf-8"))
        except OSError:
            raise UserError(f"{self.root}: has no report yet; finish it with `solve resume {self.root}`") from None
        except ValueError:
            raise UserError(f"{self.report_path}: damaged; make it again with `solve resume {self.root}`") from None
        if not isinstance(report, dict) or report.get("format") != REPORT_FORMAT:
            raise UserError(f"{self.report_path}: damaged; make it again with `solve resume {self.root}`")
        return report


def _refuse_if_taken(root: Path) -> None:
    if (root / "config.json").exists():
        raise UserError(f"{root}: already holds a run; continue it with `solve resume {root}` or choose another --out")


def _default_root(name: str) -> Path:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "run"
    base = Path("runs") / f"{slug}-{time.strftime('%Y%m%d-%H%M%S')}"
    return base if not base.exists() else base.with_name(f"{base.name}-{os.getpid()}")


def _write_atomically(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
