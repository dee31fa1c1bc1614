"""From finished spans to a file of OTLP JSON Lines, to an OTLP endpoint, or to both.

A batch processor of the SDK exports from a thread of its own, so that no run waits for a disk or a server. What waits
is bounded: when an exporter falls behind, ordinary spans are dropped, and counted, before they are even built. Spans of
errors and of a run's stages have as much room again; when that is used up too, the run waits for a writer that works.

Not covered: metrics and logs; OTLP over gRPC (every collector that speaks it also speaks HTTP).
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from opentelemetry.exporter.otlp.json.file import FileSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace.status import Status, StatusCode

from solver.errors import UserError

QUEUE = 8192  # ordinary spans that may wait, for each exporter
_BATCH = 512
_DELAY_MILLIS = 1000.0  # what a killed run loses of its traces
_TIMEOUT_SECONDS = 10.0
_CHUNK = 2**20
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)

Value = str | bool | int | float | Sequence[str]


@dataclass(frozen=True, slots=True)
class Happening:
    """An event within a span. time: nanoseconds since the epoch."""

    name: str
    time: int
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Finished:
    """A span, whole. begun, ended: nanoseconds since the epoch. span, parent: 64-bit numbers; no parent: a root.

    error: what went wrong, None when nothing did. vital: kept when others are dropped; errors always are.
    """

    name: str
    trace: int
    span: int
    parent: int | None
    begun: int
    ended: int
    attributes: Mapping[str, Value]
    happenings: Sequence[Happening] = ()
    error: str | None = None
    client: bool = False
    vital: bool = False


class Exports:
    """Takes finished spans, from any thread, until `close`."""

    def __init__(self, file: Path | None, url: str | None) -> None:
        """Raises `UserError` when the file cannot be written."""
        _silence()
        self._lanes: list[Lane] = []
        if file is not None:
            self._lanes.append(Lane(str(file), _file_exporter(file)))
        if url is not None:
            self._lanes.append(Lane(url, OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_SECONDS)))
        self._ids = _GivenIds()
        self._built = _Built()
        self._lock = threading.Lock()
        release = version("codesieve")
        resource = Resource.create({"service.name": "codesieve", "service.version": release})
        provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False, id_generator=self._ids)
        provider.add_span_processor(self._built)
        self._tracer = provider.get_tracer("codesieve", release)

    def add(self, finished: Finished) -> None:
        """Nothing is raised and, for ordinary spans, nothing is waited for."""
        vital = finished.vital or finished.error is not None
        with self._lock:
            lanes = [lane for lane in self._lanes if lane.has_room(vital)]
            if lanes and (span := self._build(finished)) is not None:
                for lane in lanes:
                    lane.put(span)

    @property
    def dropped(self) -> int:
        """Spans that an exporter had no room for, so far."""
        return sum(lane.dropped for lane in self._lanes)

    def close(self) -> str | None:
        """Exports what waits, for half a minute at most. How many spans did not arrive, and where; None if all did."""
        for lane in self._lanes:
            lane.close()
        return "; ".join(told for lane in self._lanes if (told := lane.losses())) or None

    def _build(self, finished: Finished) -> ReadableSpan | None:
        parent = INVALID_SPAN_CONTEXT
        if finished.parent is not None:
            parent = SpanContext(finished.trace, finished.parent, is_remote=False, trace_flags=_SAMPLED)
        self._ids.trace, self._ids.span = finished.trace, finished.span
        span = self._tracer.start_span(
            _text(finished.name),
            context=set_span_in_context(NonRecordingSpan(parent)),
            kind=SpanKind.CLIENT if finished.client else SpanKind.INTERNAL,
            attributes=_clean(finished.attributes),
            start_time=finished.begun,
        )
        for happening in finished.happenings:
            span.add_event(happening.name, _clean(happening.attributes), happening.time)
        if finished.error is not None:
            span.set_status(Status(StatusCode.ERROR, _text(finished.error)))
        span.end(finished.ended)
        return self._built.take()


class Lane:
    """One exporter and its bounded queue."""

    def __init__(self, name: str, exporter: SpanExporter, queue: int = QUEUE) -> None:
        self._name = name
        self._queue = queue
        self._exporter = _Counted(exporter)
        self._batches = BatchSpanProcessor(
            self._exporter,
            max_queue_size=2 * queue,
            schedule_delay_millis=_DELAY_MILLIS,
            max_export_batch_size=min(_BATCH, queue),
        )
        self._taken = 0
        self.dropped = 0

    def has_room(self, vital: bool) -> bool:
        """Counts the span as dropped where there is none; for a vital one, room is made if the exporter works."""
        waiting = self._taken - self._exporter.done
        if waiting < (2 * self._queue if vital else self._queue):
            return True
        if vital and self._exporter.works:
            self._batches.force_flush()
            return True
        self.dropped += 1
        return False

    def put(self, span: ReadableSpan) -> None:
        self._taken += 1
        self._batches.on_end(span)

    def close(self) -> None:
        self._batches.shutdown()  # type: ignore[no-untyped-call]

    def losses(self) -> str:
        """After `close`; empty when every span arrived."""
        unsent = self._taken - self._exporter.arrived
        parts = [f"{self.dropped} spans were dropped because it was too slow"] * bool(self.dropped)
        parts += [f"{unsent} spans could not be written"] * bool(unsent)
        return f"{self._name}: {' and '.join(parts)}" if parts else ""


class _Counted(SpanExporter):
    """An exporter, and what became of the spans that it was given."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner
        self.done = 0
        self.arrived = 0
        self.works = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        works = False
        try:
            result = self._inner.export(spans)
            works = result is SpanExportResult.SUCCESS
            return result
        finally:
            self.works = works
            self.arrived += len(spans) * works
            self.done += len(spans)

    def shutdown(self) -> None:
        self._inner.shutdown()


class _GivenIds(IdGenerator):
    """Gives the numbers that were set last: ours follow from what a span is about (`solver.tracing.book`)."""

    trace = 0
    span = 0

    def generate_trace_id(self) -> int:
        return self.trace

    def generate_span_id(self) -> int:
        return self.span


class _Built(SpanProcessor):
    """Keeps the span that ended last."""

    _span: ReadableSpan | None = None

    def on_end(self, span: ReadableSpan) -> None:
        self._span = span

    def take(self) -> ReadableSpan | None:
        span, self._span = self._span, None
        return span


def _clean(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {name: _text(value) if isinstance(value, str) else value for name, value in attributes.items()}


def _text(text: str) -> str:
    """One lone surrogate would cost an endpoint the whole batch."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _file_exporter(path: Path) -> FileSpanExporter:
    """Appends; a line that was cut off when an earlier run was killed goes first."""
    try:
        with path.open("ab+") as file:
            end = file.seek(0, os.SEEK_END)
            while end:
                start = max(0, end - _CHUNK)
                file.seek(start)
                if newline := file.read(end - start).rfind(b"\n") + 1:
                    end = start + newline
                    break
                end = start
            file.truncate(end)
        return FileSpanExporter(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); choose another file for traces") from None


def _silence() -> None:
    """What fails is counted and said once, at the end, instead of by a logger on the terminal."""
    logger = logging.getLogger("opentelemetry")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
