"""Where spans go: to an OTLP collector, which may be away."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.semconv.attributes.service_attributes import SERVICE_INSTANCE_ID, SERVICE_NAME, SERVICE_NAMESPACE

from saga.recording import Recorder

log = structlog.get_logger()

WAITING = 8_192
"""Spans that wait to be sent, at most; beyond them the oldest are lost."""
DELAY = 1.0
"""Seconds that a span waits for others to be sent with. A process that is killed loses as much."""
LAST_WORDS = 3.0
"""Seconds of a clean stop that sending what is left may take."""


class Telemetry(Recorder):
    """Sends what it records, in a thread of its own: nothing ever waits for a collector."""

    def __init__(self, service: str, endpoint: str, ratio: float) -> None:
        self._exporter = _Watched(service, endpoint)
        self._processor = BatchSpanProcessor(self._exporter, WAITING, DELAY * 1000)
        told = {SERVICE_NAME: service, SERVICE_NAMESPACE: "saga", SERVICE_INSTANCE_ID: str(uuid4())}
        super().__init__(service, Resource.create(told), ratio, self._processor.on_end)

    async def stop(self) -> None:
        """Send what is left. A collector that is away is not waited for: the thread ends with the process."""
        loop, sent = asyncio.get_running_loop(), asyncio.Event()

        def send() -> None:
            self._processor.shutdown()  # type: ignore[no-untyped-call] # it has no annotations
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(sent.set)

        threading.Thread(target=send, daemon=True).start()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await sent.wait()
        self._exporter.shutdown()


class _Watched(SpanExporter):
    """Says once that spans are lost, and once that they are not any more."""

    def __init__(self, service: str, endpoint: str) -> None:
        self._exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")
        self._told = {"service": service, "collector": urlsplit(endpoint).netloc.rpartition("@")[2]}
        self._loses = self._ended = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        loses = result is not SpanExportResult.SUCCESS
        if loses and not self._loses:
            log.warning("traces.lost", **self._told)
        elif self._loses and not loses:
            log.info("traces.taken_again", **self._told)
        self._loses = loses
        return result

    def shutdown(self) -> None:
        if not self._ended:
            self._ended = True
            self._exporter.shutdown()  # type: ignore[no-untyped-call] # it has no annotations
