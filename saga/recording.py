"""Spans of what has happened: their ids are given when it begins, and they are made when it has ended well or badly.

A transaction's are made after its commit, so that there is none of what was rolled back.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import time_ns
from typing import Any, NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags

from events import Envelope, Event, Message
from saga.calls import OpenCall
from saga.conventions import Told, of_batch, of_call, of_handling, of_request, of_saying
from saga.declarations import Step
from saga.errors import ServerAway
from saga.spans import Causes, Spans, Tracer
from saga.tracing import Cause, Caused, child_of, passed_on, root

_SCOPE = InstrumentationScope("saga")
_RECORDED = TraceFlags(TraceFlags.SAMPLED)
_UNSET, _FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_SERVERS_FAULT = 500


class Recorder(Tracer):
    """Records the share `ratio` of all traces, chosen by their ids alone: so every service chooses the same ones.

    The others are passed on as they came.
    """

    def __init__(self, service: str, resource: Resource, ratio: float, tell: Callable[[ReadableSpan], None]) -> None:
        self.service = service
        self._resource = resource
        self._bound = TraceIdRatioBased.get_bound_for_rate(ratio)
        self._tell = tell

    def records(self, traceparent: str) -> bool:
        return int(traceparent[19:35], 16) < self._bound

    def transaction(self) -> Spans:
        return _Transaction(self)

    @contextmanager
    def attempt(self, step: Step, causes: Causes) -> Iterator[None]:
        """Many that fail together are tried again in halves: each is told of when it has failed alone."""
        began = time_ns()
        try:
            yield
        except ServerAway:
            raise  # it isn't known what has happened
        except Exception as error:
            cause = causes[0]
            if len(causes) == 1 and self.records(came := passed_on(cause)):
                told = of_handling(self.service, step, cause, "failed")
                self.tell(told, child_of(came), cause.traceparent, began, error=type(error).__name__)
            raise

    def called(self, call: OpenCall, seconds: float, error: Exception | None = None) -> OpenCall:
        if not self.records(came := passed_on(call.cause)):
            return call
        span = child_of(came)
        self.tell(of_call(call), span, came, _since(seconds), error=type(error).__name__ if error else None)
        return replace(call, cause=Caused(call.cause.id, span))

    def asked(self, came: str | None) -> str | None:
        span = child_of(came) if came else root()
        return span if self.records(span) else came or f"{span[:-2]}00"

    def answered(
        self, request: Mapping[str, Any], came: str | None, traceparent: str | None, status: int, seconds: float
    ) -> None:
        if traceparent and self.records(traceparent):
            error = str(status) if status >= _SERVERS_FAULT else None
            self.tell(of_request(request, status), traceparent, came, _since(seconds), error=error)

    def tell(
        self,
        told: Told,
        traceparent: str,
        parent: str | None,
        began: int,
        *,
        links: Sequence[Link] = (),
        error: str | None = None,
    ) -> None:
        """A span that ends now."""
        self._tell(
            ReadableSpan(
                told.name,
                _context(traceparent),
                _context(parent) if parent else None,
                self._resource,
                told.attributes | {ERROR_TYPE: error} if error else told.attributes,
                links=links,
                kind=told.kind,
                status=_FAILED if error else _UNSET,
                start_time=began,
                end_time=time_ns(),
                instrumentation_scope=_SCOPE,
            )
        )


class _Noted(NamedTuple):
    step: Step
    cause: Envelope[Message]
    span: str
    outcome: str


class _Transaction(Spans):
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._began = time_ns()
        self._noted: list[_Noted] = []
        self._parents: dict[str, str] = {}

    def handled(self, step: Step, causes: Causes) -> Sequence[Cause]:
        return [self._note(step, cause, "handled") for cause in causes]

    def admitted(self, step: Step, causes: Causes, fresh: Causes, whole: Causes, entered: Causes, due: Causes) -> None:
        if len(due) == len(causes):
            return
        got = {id(cause): "duplicate" for cause in causes}
        got |= {id(cause): "kept" for cause in fresh} | {id(cause): "fenced" for cause in whole}
        got |= {id(cause): "noted" for cause in entered}
        for cause in due:
            del got[id(cause)]
        for cause in causes:
            if outcome := got.get(id(cause)):
                self._note(step, cause, outcome)

    def saying(self, cause: Cause) -> str:
        came = passed_on(cause)
        if not self._recorder.records(came):
            return came
        span = child_of(came)
        self._parents[span] = came
        return span

    def committed(self, said: Sequence[Envelope[Event]]) -> None:
        service, tell = self._recorder.service, self._recorder.tell
        links = self._linked()
        for step, cause, span, outcome in self._noted:
            tell(of_handling(service, step, cause, outcome), span, cause.traceparent, self._began, links=links)
        for event in said:
            if event.traceparent and (parent := self._parents.get(event.traceparent)):
                tell(of_saying(event), event.traceparent, parent, int(event.time.timestamp() * 1e9))

    def _note(self, step: Step, cause: Envelope[Message], outcome: str) -> Cause:
        came = passed_on(cause)
        if not self._recorder.records(came):
            return cause
        self._noted.append(_Noted(step, cause, span := child_of(came), outcome))
        return Caused(cause.id, span)

    def _linked(self) -> Sequence[Link]:
        """To a span of the whole batch, in a trace of its own: the messages are of many traces."""
        if len(self._noted) < 2:  # noqa: PLR2004 — one is no batch
            return ()
        batch = root()
        told = of_batch(self._recorder.service, self._noted[0].step, len(self._noted))
        self._recorder.tell(told, batch, None, self._began)
        return (Link(_context(batch)),)


def _since(seconds: float) -> int:
    return time_ns() - int(seconds * 1e9)


def _context(traceparent: str) -> SpanContext:
    return SpanContext(int(traceparent[3:35], 16), int(traceparent[36:52], 16), is_remote=False, trace_flags=_RECORDED)
