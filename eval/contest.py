"""A problem ready for its judge, whether a Kattis package or a task of any other format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eval.cases import Group
from eval.judge import cases_of
from eval.package import Package, is_package, read_package
from eval.package_limits import UNKNOWN_TIME_SECONDS
from eval.sources import Source, read_source, runnable
from eval.task import Task, load_task
from sandbox import CheckerSpec, Limits, Program
from sandbox.validators import CHECKER_LIMITS
from solver.errors import UserError


@dataclass(frozen=True, slots=True)
class Contest:
    """What submissions are judged by.

    time_seconds: None: to be derived from the accepted submissions. margin: what a time-out must exceed the limit by.
    interactor: speaks with the program instead of checking its output. package: None for other formats.
    """

    name: str
    data: Group
    checker: CheckerSpec
    checker_limits: Limits
    limits: Limits
    time_seconds: float | None
    margin: float
    program: Callable[[Source], Program]
    interactor: Program | None = None
    scoring: bool = False
    package: Package | None = None

    def limits_at(self, cpu_seconds: float | None) -> Limits:
        """Limits of a run; None: the time limit is not known yet, and only a hung program is stopped."""
        wall = None if cpu_seconds is not None else 2 * UNKNOWN_TIME_SECONDS
        seconds = cpu_seconds if cpu_seconds is not None else UNKNOWN_TIME_SECONDS
        return Limits(seconds, self.limits.memory_bytes, self.limits.output_bytes, wall)


def open_contest(path: Path, record_id: str | None, time_seconds: float | None, checker: CheckerSpec | None) -> Contest:
    """Reads the problem. time_seconds and checker override its own. Raises UserError."""
    package = path / record_id if record_id is not None else path
    if is_package(package):
        return _of_package(read_package(package), time_seconds, checker)
    return _of_task(load_task(path, record_id), time_seconds, checker)


def checker_at(path: Path, style: str | None, include: Path | None) -> CheckerSpec:
    """The checker in a file or directory. style: `kattis` or `testlib`; by its text when None.

    include: a directory or file (testlib.h) that lies beside it when it is compiled. Raises UserError.
    """
    source = read_source(path)
    if reason := runnable(source.language):
        raise UserError(f"{path}: the checker cannot run: {reason}")
    files = dict(source.files)
    if include is not None:
        files |= _headers(include)
    if style is None:
        style = "testlib" if "testlib" in source.text else "kattis"
    return CheckerSpec.model_validate(
        {"kind": style, "source": source.text, "language": source.language, "files": files}
    )


def _headers(include: Path) -> dict[str, str]:
    try:
        found = sorted(include.glob("*.h")) if include.is_dir() else [include]
        return {file.name: file.read_text("utf-8", "replace") for file in found}
    except OSError as error:
        raise UserError(f"{include}: cannot be read ({error.strerror or error})") from None


def _of_package(package: Package, time_seconds: float | None, checker: CheckerSpec | None) -> Contest:
    limits, validator = package.limits, package.validator
    if checker is None and validator is not None:
        fields = {"kind": "kattis", "source": validator.text, "language": validator.language}
        checker = CheckerSpec.model_validate({**fields, "files": dict(validator.files)})
    return Contest(
        name=package.path.resolve().name,
        data=package.data,
        checker=checker or CheckerSpec(kind="default_validator"),
        checker_limits=limits.validation,
        limits=Limits(1.0, limits.memory_bytes, limits.output_bytes),
        time_seconds=time_seconds or limits.time_seconds,
        margin=limits.margin,
        program=_program,
        interactor=_program(validator) if package.interactive and validator is not None else None,
        scoring=package.scoring,
        package=package,
    )


def _of_task(task: Task, time_seconds: float | None, checker: CheckerSpec | None) -> Contest:
    problem = task.problem
    data = cases_of(task)
    if not data.items:
        raise UserError(f"{problem.name!r} has neither examples nor hidden tests; nothing can be judged")
    return Contest(
        name=problem.name,
        data=data,
        checker=checker or problem.checker,
        checker_limits=CHECKER_LIMITS,
        limits=problem.limits(),
        time_seconds=time_seconds or problem.time_limit_seconds,
        margin=1.0,
        program=lambda source: task.problem.program(source.language, source.text, source.files),
    )


def _program(source: Source) -> Program:
    return Program(source.language, source.text, files=source.files)
