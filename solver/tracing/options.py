"""What the user asks of traces, checked, and the way from there to `Traces`."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from solver.errors import UserError
from solver.tracing.base import NO_TRACES, Traces

KEPT_CANDIDATES = 10_000
"""Without a rate, so many candidates are kept of a run, about."""
_MODULES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http", "opentelemetry.exporter.otlp.json.file")


@dataclass(frozen=True, slots=True)
class TraceOptions:
    """file: OTLP as JSON Lines, appended to. otlp: URL of an OTLP/HTTP endpoint; without a path, `/v1/traces` is added.
    content: record prompts, answers and programs too. rate: share of the candidates to keep, 0 to 1; None: all of a
    run of up to `KEPT_CANDIDATES` samples, about so many of a larger one.
    """

    file: Path | None = None
    otlp: str | None = None
    content: bool = False
    rate: float | None = None

    @property
    def wanted(self) -> bool:
        return self.file is not None or self.otlp is not None

    def check(self) -> None:
        """Raises `UserError`: the extra is missing, the URL is none, the rate is no share."""
        if self.rate is not None and not 0 <= self.rate <= 1:
            raise UserError(f"--trace-rate {self.rate:g}: not a share; give a number from 0 to 1")
        if not self.wanted and (self.content or self.rate is not None):
            raise UserError("--trace-content and --trace-rate need --trace or --otlp")
        if self.otlp is not None:
            endpoint(self.otlp)
        if self.wanted and not all(_installed(module) for module in _MODULES):
            raise UserError("traces need OpenTelemetry; run `pip install 'codesieve[traces]'`")

    def within(self, directory: Path) -> TraceOptions:
        """With the file, where one is wanted, in this directory."""
        return self if self.file is None else replace(self, file=directory / self.file)

    def rate_for(self, samples: int) -> float:
        """The share of the candidates that is kept of a run of so many samples."""
        return min(1.0, KEPT_CANDIDATES / max(1, samples)) if self.rate is None else self.rate


def open_traces(options: TraceOptions) -> Traces:
    """Raises `UserError` where `check` does, or when the file cannot be written."""
    options.check()
    if not options.wanted:
        return NO_TRACES
    from solver.tracing.export import Exports
    from solver.tracing.run import SpanTraces

    return SpanTraces(Exports(options.file, options.otlp and endpoint(options.otlp)), options)


def endpoint(url: str) -> str:
    """The URL that spans are posted to. Raises `UserError`."""
    try:
        parts = urlsplit(url.strip())
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise UserError(f"--otlp {url!r}: not the URL of an OTLP endpoint; give one like http://localhost:4318")
    return url.strip().rstrip("/") + ("" if parts.path.strip("/") else "/v1/traces")


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
