"""A collector of traces: it listens on the loopback interface and understands OTLP over HTTP."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

Attributes = Mapping[str, str | int]


@dataclass(frozen=True)
class Span:
    """As it was received; `parent` is empty for a root."""

    service: str
    name: str
    kind: str
    trace: str
    id: str
    parent: str
    attributes: Attributes
    links: tuple[str, ...]
    failed: bool
    seconds: float

    @property
    def title(self) -> str:
        return f"{self.service}: {self.name}"


@dataclass
class Collector:
    """Everything that was received, unless it `refuses`."""

    url: str = ""
    refuses: bool = False
    spans: list[Span] = field(default_factory=list)

    def of(self, saga_id: object) -> list[Span]:
        """All spans of the one trace in which this saga is."""
        traces = {
            span.trace
            for span in self.spans
            if span.attributes.get("messaging.message.conversation_id") == str(saga_id)
        }
        assert len(traces) == 1, traces
        return [span for span in self.spans if span.trace in traces]

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            service = str(_read(resource.resource.attributes)["service.name"])
            self.spans += [_span(service, span) for scope in resource.scope_spans for span in scope.spans]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector, until the end of the block."""
    collector = Collector()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken = self.path == "/v1/traces" and not collector.refuses
            if taken:
                collector.take(body)
            self.send_response(HTTPStatus.OK if taken else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        serving = Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        collector.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield collector
        finally:
            server.shutdown()
            serving.join()


def _span(service: str, span: trace_pb2.Span) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=trace_pb2.Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_read(span.attributes),
        links=tuple(link.span_id.hex() for link in span.links),
        failed=span.status.code == trace_pb2.Status.StatusCode.STATUS_CODE_ERROR,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


def _read(attributes: "Iterator[KeyValue]") -> Attributes:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in attributes}
