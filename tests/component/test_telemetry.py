"""Spans are sent to a collector, and nobody waits for one that is away."""

import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter, time_ns

import pytest
from opentelemetry.trace import SpanKind
from structlog.testing import capture_logs
from structlog.typing import EventDict

from saga.conventions import Told
from saga.recording import Recorder
from saga.telemetry import LAST_WORDS, WAITING, Telemetry
from saga.testing import eventually
from saga.tracing import root
from tests.collector import collecting


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """As the runtime configures other libraries' loggers."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)


@contextmanager
def silence() -> Iterator[str]:
    """Where connections are taken and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def nobody() -> str:
    with silence() as url:
        return url


def tell(recorder: Recorder, spans: int = 1) -> None:
    traceparent = root()
    for _ in range(spans):
        recorder.tell(Told("toy", SpanKind.INTERNAL, {}), traceparent, None, time_ns())


async def told(logs: Sequence[EventDict], *events: str) -> bool:
    return [entry["event"] for entry in logs] == list(events)


async def test_spans_are_sent_as_their_services() -> None:
    """Soon, without being asked to; a slash more or less in the address makes no difference."""
    with collecting() as collector:
        telemetry = Telemetry("toy", f"{collector.url}/", 1.0)
        tell(telemetry)

        async def arrived() -> bool:
            return [(span.service, span.name) for span in collector.spans] == [("toy", "toy")]

        await eventually(arrived)
        await telemetry.stop()


async def test_what_is_left_is_sent_at_the_stop() -> None:
    with collecting() as collector:
        telemetry = Telemetry("toy", collector.url, 1.0)
        tell(telemetry, 700)
        await telemetry.stop()
        assert len(collector.spans) == 700


async def test_nobody_waits_for_a_collector_that_is_away() -> None:
    """Neither work nor the stop; what waits for it is bounded, and the log tells it once."""
    with capture_logs() as logs:
        telemetry = Telemetry("toy", nobody(), 1.0)
        tell(telemetry, 3 * WAITING)
        began = perf_counter()
        await telemetry.stop()
        assert perf_counter() - began < LAST_WORDS + 1
        await eventually(partial(told, logs, "traces.lost"))


async def test_nobody_waits_for_a_collector_that_answers_nothing() -> None:
    with capture_logs() as logs:
        with silence() as url:
            telemetry = Telemetry("toy", url, 1.0)
            tell(telemetry)
            began = perf_counter()
            await telemetry.stop()
            assert perf_counter() - began < LAST_WORDS + 1
        await eventually(partial(told, logs, "traces.lost"))


async def test_a_collector_that_comes_back_is_told_of_once() -> None:
    """The log doesn't show what stands in its address beside host and port."""
    with collecting() as collector, capture_logs() as logs:
        telemetry = Telemetry("toy", collector.url.replace("//", "//grace:hush@"), 1.0)
        collector.refuses = True
        tell(telemetry)
        await eventually(partial(told, logs, "traces.lost"))
        collector.refuses = False
        tell(telemetry)
        await telemetry.stop()
        assert await told(logs, "traces.lost", "traces.taken_again")
        assert "hush" not in str(logs)
        assert logs[0]["collector"] == collector.url.removeprefix("http://")
