"""What a service records of its work: nothing, unless it is told where to; traces are then passed on as they came.

What does record is in `saga.telemetry`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from events import Envelope, Event, Message
from saga.calls import OpenCall
from saga.declarations import Step
from saga.tracing import Cause, passed_on

Causes = Sequence[Envelope[Message]]


class Spans:
    """The spans of one transaction: recorded when it has committed, and never if it doesn't."""

    def handled(self, step: Step, causes: Causes) -> Sequence[Cause]:  # noqa: ARG002 — for those who record
        """The same causes, as what follows from them is to name them: in the spans of their handling."""
        return causes

    def admitted(self, step: Step, causes: Causes, fresh: Causes, whole: Causes, entered: Causes, due: Causes) -> None:
        """How far each of the causes got; those that were due are `handled`."""

    def saying(self, cause: Cause) -> str:
        """The traceparent of an event that follows from the cause."""
        return passed_on(cause)

    def committed(self, said: Sequence[Envelope[Event]]) -> None:
        """All that was noted has happened."""


class Tracer:
    """Records spans, for as long as the service runs."""

    def transaction(self) -> Spans:
        return _NONE

    def attempt(self, step: Step, causes: Causes) -> AbstractContextManager[None]:  # noqa: ARG002 — see above
        """What is raised in this block has failed, and nothing has happened."""
        return _UNTOLD

    def called(self, call: OpenCall, seconds: float, error: Exception | None = None) -> OpenCall:  # noqa: ARG002
        """The outside world was called for so long; the call, as what follows from it is to name it."""
        return call

    def asked(self, came: str | None) -> str | None:
        """The traceparent of the answer to a request that came with this one, if any."""
        return came

    def answered(
        self, request: Mapping[str, Any], came: str | None, traceparent: str | None, status: int, seconds: float
    ) -> None:
        """The request has been answered. It is told as an ASGI scope."""

    async def stop(self) -> None:
        """What was recorded is where it is to be, if there is anybody to take it."""


_NONE = Spans()
_UNTOLD = nullcontext()
