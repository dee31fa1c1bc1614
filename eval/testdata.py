"""The `data` directory of a Kattis package: groups with their `testdata.yaml`, cases as `.in` and `.ans`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.cases import Case, Group
from eval.grading import FLAGS
from solver.formats.fields import BadRecord, Record
from solver.formats.kattis import read_yaml

_MAX_DEPTH = 16
_CONFIG_FILES = ("testdata.yaml", "test_group.yaml")


@dataclass(frozen=True, slots=True)
class _Settings:
    """What a group hands down to the groups inside it."""

    flags: tuple[str, ...]
    validator: tuple[str, ...] = ()
    stop: bool = True
    grader: tuple[str, ...] = ()
    accept: float = 1.0
    reject: float = 0.0
    best: float = float("inf")


def read_groups(data: Path, grading: Record, flags: tuple[str, ...], *, answers: bool = True) -> Group:
    """The whole tree. grading: problem.yaml's. flags: the validator's, from problem.yaml.

    answers: whether a case without `.ans` is an error. Raises BadRecord, UserError, OSError.
    """
    settings = _Settings(flags)
    if (policy := grading.get("on_reject")) in ("first_error", "grade"):
        settings = replace(settings, stop=policy == "first_error")
    return _group(data, "data", settings, answers, 0)


def _group(folder: Path, name: str, inherited: _Settings, answers: bool, depth: int) -> Group:
    if depth > _MAX_DEPTH:
        raise BadRecord(f"{name} is nested too deeply; does a link lead back?")
    settings = inherited
    for file in _CONFIG_FILES:
        settings = _configured(settings, read_yaml(folder / file), f"{name}/{file}")
    items: list[Group | Case] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir():
            items.append(_group(path, f"{name}/{path.name}", settings, answers, depth + 1))
        elif path.suffix == ".in" and depth > 0:
            items.append(_case(path, f"{name}/{path.stem}".removeprefix("data/"), settings, answers))
    return Group(
        name.removeprefix("data/"),
        tuple(items),
        settings.stop,
        settings.grader,
        settings.accept,
        settings.reject,
        settings.best,
    )


def _case(given: Path, name: str, settings: _Settings, answers: bool) -> Case:
    answer: Path | bytes = given.with_suffix(".ans")
    if isinstance(answer, Path) and not answer.is_file():
        if answers:
            raise BadRecord(f"data/{name}.in has no {answer.name} beside it")
        answer = b""
    own = _words(read_yaml(given.with_suffix(".yaml")).get("output_validator_args"))
    return Case(name, given, (answer,), (*settings.flags, *(own or settings.validator)))


def _configured(settings: _Settings, config: Record, where: str) -> _Settings:
    changes: dict[str, Any] = {}
    for key in ("output_validator_flags", "output_validator_args"):
        if key in config:
            changes["validator"] = _words(config[key])
    if "on_reject" in config:
        if config["on_reject"] not in ("break", "continue"):
            raise BadRecord(f"{where}: `on_reject` must be `break` or `continue`, not {config['on_reject']!r}")
        changes["stop"] = config["on_reject"] == "break"
    if config.get("grading", "default") != "default":
        raise BadRecord(f"{where}: only `grading: default` is supported, not {config['grading']!r}")
    if "grader_flags" in config:
        changes["grader"] = _words(config["grader_flags"])
        if unknown := [flag for flag in changes["grader"] if flag not in FLAGS]:
            raise BadRecord(f"{where}: unknown grader flag {unknown[0]!r}")
    for key, field in (("accept_score", "accept"), ("reject_score", "reject")):
        if config.get(key) is not None:
            changes[field] = _number(config[key], key, where)
    if config.get("range") is not None:
        changes["best"] = _number(str(config["range"]).split()[-1], "range", where)
    return replace(settings, **changes)


def _words(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else tuple(str(value or "").split())


def _number(value: object, key: str, where: str) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise BadRecord(f"{where}: `{key}` must be a number, not {str(value)[:40]!r}") from None
