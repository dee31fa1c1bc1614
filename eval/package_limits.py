"""Limits of a Kattis package, and the time limit that its accepted submissions imply when it names none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from sandbox import Limits
from solver.formats.fields import BadRecord, Record, number_field
from solver.formats.files import read_text
from solver.formats.kattis import DEFAULT_MEMORY_MIB, mapping

UNKNOWN_TIME_SECONDS = 300.0  # what accepted submissions get while the limit is not known

_OUTPUT_MIB = 8
_VALIDATION_SECONDS = 60.0
_VALIDATION_MIB = 2048
_DOMJUDGE = re.compile(r"^\s*timelimit\s*=\s*['\"]?([^'\"#;\s]*)", re.MULTILINE)
_LEGACY_MULTIPLIERS = (5.0, 2.0)
_NEWER_MULTIPLIERS = (2.0, 1.5)


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """time_seconds: None when the package names none. multiplier: from the slowest accepted submission to the limit.

    margin: from the limit to what a submission that should be too slow must exceed. resolution: of the limit, seconds.
    """

    time_seconds: float | None
    multiplier: float
    margin: float
    resolution: float
    memory_bytes: int
    output_bytes: int
    validation: Limits

    def derived(self, slowest_seconds: float) -> float:
        """The limit when the slowest accepted submission takes this long; at least one unit of resolution."""
        units = math.ceil(slowest_seconds * self.multiplier / self.resolution - 1e-9)
        return max(1, units) * self.resolution


def read_limits(path: Path, config: Record) -> PackageLimits:
    """From problem.yaml, `.timelimit` and domjudge-problem.ini, in this order. Raises BadRecord, UserError."""
    limits = mapping(config, "limits")
    legacy = str(config.get("problem_format_version", "legacy")) == "legacy"
    multiplier, margin = _LEGACY_MULTIPLIERS if legacy else _NEWER_MULTIPLIERS
    newer = mapping(limits, "time_multipliers")
    multiplier = number_field(limits, "time_multiplier") or number_field(newer, "ac_to_time_limit") or multiplier
    margin = number_field(limits, "time_safety_margin") or number_field(newer, "time_limit_to_tle") or margin
    return PackageLimits(
        time_seconds=number_field(limits, "time_limit") or _from_files(path),
        multiplier=multiplier,
        margin=max(1.0, margin),
        resolution=number_field(limits, "time_resolution") or 1.0,
        memory_bytes=_mebibytes(limits, "memory", DEFAULT_MEMORY_MIB),
        output_bytes=_mebibytes(limits, "output", _OUTPUT_MIB),
        validation=Limits(
            cpu_seconds=number_field(limits, "validation_time") or _VALIDATION_SECONDS,
            memory_bytes=_mebibytes(limits, "validation_memory", _VALIDATION_MIB),
            output_bytes=_mebibytes(limits, "validation_output", _OUTPUT_MIB),
        ),
    )


def _mebibytes(limits: Record, key: str, default: float) -> int:
    return int((number_field(limits, key) or default) * 2**20)


def _from_files(path: Path) -> float | None:
    if (path / ".timelimit").is_file():
        return _seconds(read_text(path / ".timelimit").strip(), ".timelimit")
    if (path / "domjudge-problem.ini").is_file():
        found = _DOMJUDGE.search(read_text(path / "domjudge-problem.ini"))
        return _seconds(found[1], "domjudge-problem.ini: timelimit") if found else None
    return None


def _seconds(text: str, where: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise BadRecord(f"{where} must hold seconds, not {text[:40]!r}") from None
    if not 0 < seconds < math.inf:
        raise BadRecord(f"{where} must be above 0 seconds, not {text[:40]!r}")
    return seconds
