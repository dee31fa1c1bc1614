"""How spans get out, and what happens when they cannot."""

import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from solver.errors import UserError
from solver.tracing import NO_TRACES, TraceOptions, open_traces, options
from solver.tracing.export import Exports, Finished, Lane
from solver.tracing.options import endpoint
from tests.tracing.spans import read


def span(number: int, *, error: str | None = None, vital: bool = False) -> Finished:
    return Finished("candidate", 1, number, None, 10, 20, {"codesieve.sample": number}, error=error, vital=vital)


class Stuck(SpanExporter):
    """Exports nothing until it may; then keeps what it gets."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.got: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.may.wait(30)
        self.got += spans
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        pass


@pytest.fixture
def exports() -> Exports:
    return Exports(None, None)


def test_a_full_queue_drops_ordinary_spans_keeps_errors_and_says_how_many_were_lost(exports: Exports) -> None:
    stuck = Stuck()
    lane = Lane("viewer", stuck, queue=4)
    exports._lanes.append(lane)
    for number in range(1, 11):
        exports.add(span(number))
    exports.add(span(11, error="internal error"))
    exports.add(span(12, vital=True))
    assert exports.dropped == 6
    stuck.may.set()
    assert exports.close() == "viewer: 6 spans were dropped because it was too slow"
    assert {s.attributes["codesieve.sample"] for s in stuck.got if s.attributes} == {1, 2, 3, 4, 11, 12}


def test_a_flood_of_errors_waits_for_a_writer_that_works_and_none_is_lost(exports: Exports) -> None:
    stuck = Stuck()
    stuck.may.set()
    exports._lanes.append(Lane("viewer", stuck, queue=4))
    for number in range(1, 101):
        exports.add(span(number, error="internal error"))
    assert exports.close() is None
    assert len(stuck.got) == 100


def test_an_error_is_not_waited_for_when_the_writer_fails(exports: Exports) -> None:
    class Failing(Stuck):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            self.may.set()
            return SpanExportResult.FAILURE

    failing = Failing()
    exports._lanes.append(Lane("viewer", failing, queue=2))
    for number in range(1, 3):
        exports.add(span(number))
    assert failing.may.wait(30)
    for number in range(3, 50):
        exports.add(span(number, error="internal error"))
    told = exports.close()
    assert told is not None
    assert "could not be written" in told


def test_the_line_that_a_killed_run_left_half_written_is_cut_off_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    first = Exports(file, None)
    first.add(span(1))
    assert first.close() is None
    whole = file.read_bytes()
    file.write_bytes(whole + whole[: len(whole) // 2])
    second = Exports(file, None)
    second.add(span(2))
    assert second.close() is None
    assert [s.attributes["codesieve.sample"] for s in read(file)] == [1, 2]


def test_a_file_of_nothing_but_half_a_line_becomes_empty(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_bytes(b'{"resourceSpans"' + b" " * 3_000_000)
    assert Exports(file, None).close() is None
    assert file.read_bytes() == b""


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        open_traces(TraceOptions(file=tmp_path / "nowhere" / "traces.jsonl"))


def test_ids_are_hexadecimal_and_kinds_numbers_as_otlp_json_wants_them(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    exports = Exports(file, None)
    exports.add(Finished("chat m", 0xABC, 0xDEF, 0x123, 10, 20, {}, client=True))
    exports.close()
    (raw,) = json.loads(file.read_text())["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert (raw["traceId"], raw["spanId"], raw["parentSpanId"]) == (f"{0xABC:032x}", f"{0xDEF:016x}", f"{0x123:016x}")
    assert (raw["kind"], raw["startTimeUnixNano"], raw["endTimeUnixNano"]) == (3, "10", "20")


class Collector(HTTPServer):
    """An OTLP/HTTP endpoint on the loopback."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Receiving)
        self.status = status
        self.paths: list[str] = []
        self.names: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Receiving(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = ExportTraceServiceRequest.FromString(body)
        self.server.paths.append(self.path)
        self.server.names += [s.name for r in request.resource_spans for c in r.scope_spans for s in c.spans]
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_an_endpoint_gets_the_spans_as_protobuf_under_v1_traces(collector: Collector, tmp_path: Path) -> None:
    exports = Exports(tmp_path / "traces.jsonl", endpoint(collector.url))
    exports.add(span(1))
    assert exports.close() is None
    assert (collector.paths, collector.names) == (["/v1/traces"], ["candidate"])
    assert len(read(tmp_path / "traces.jsonl")) == 1


def test_an_endpoint_that_refuses_costs_the_spans_there_and_not_those_in_the_file(
    collector: Collector, tmp_path: Path
) -> None:
    collector.status = 401
    exports = Exports(tmp_path / "traces.jsonl", endpoint(collector.url))
    exports.add(span(1))
    assert exports.close() == f"{collector.url}/v1/traces: 1 spans could not be written"
    assert len(read(tmp_path / "traces.jsonl")) == 1


def test_a_lone_surrogate_costs_its_character_and_no_span(collector: Collector, tmp_path: Path) -> None:
    exports = Exports(tmp_path / "traces.jsonl", endpoint(collector.url))
    exports.add(Finished("chat \ud800", 1, 1, None, 10, 20, {"codesieve.source": "é\udfff"}, error="\udc80 fell"))
    exports.add(span(2))
    assert exports.close() is None
    assert sorted(collector.names) == ["candidate", "chat ?"]
    assert read(tmp_path / "traces.jsonl")[0].attributes["codesieve.source"] == "é?"


@pytest.mark.parametrize(
    ("given", "posted_to"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
        ("https://collector/otlp/v1/traces", "https://collector/otlp/v1/traces"),
    ],
)
def test_a_base_url_gets_the_path_of_traces_and_a_whole_one_stays(given: str, posted_to: str) -> None:
    assert endpoint(given) == posted_to


@pytest.mark.parametrize(
    "url", ["localhost:4318", "grpc://localhost:4317", "http://", "http://[", "http://h:99999", ""]
)
def test_what_is_no_url_is_one_line(url: str) -> None:
    with pytest.raises(UserError, match="--otlp"):
        open_traces(TraceOptions(otlp=url))


@pytest.mark.parametrize("rate", [-0.1, 1.1, float("nan")])
def test_a_rate_that_is_no_share_is_one_line(rate: float) -> None:
    with pytest.raises(UserError, match="--trace-rate"):
        TraceOptions(file=Path("traces.jsonl"), rate=rate).check()


@pytest.mark.parametrize("asked", [TraceOptions(content=True), TraceOptions(rate=0.5)])
def test_how_to_trace_without_where_is_one_line(asked: TraceOptions) -> None:
    with pytest.raises(UserError, match="need --trace or --otlp"):
        open_traces(asked)


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "_MODULES", ("opentelemetry_that_is_not_here.sdk",))
    with pytest.raises(UserError, match=r"pip install 'codesieve\[traces\]'"):
        open_traces(TraceOptions(file=Path("traces.jsonl")))


def test_nothing_asked_for_is_the_object_that_does_nothing() -> None:
    assert open_traces(TraceOptions()) is NO_TRACES
