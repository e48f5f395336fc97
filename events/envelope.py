"""CloudEvents 1.0 around an event: who says it, when, about which saga, and what caused it.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, with the extensions `correlationid`,
`causationid` (https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/correlation.md) and
`traceparent` (https://www.w3.org/TR/trace-context/).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, SerializeAsAny, StringConstraints, TypeAdapter

from events.event import Message

CONTENT_TYPE = "application/cloudevents+json"

M_co = TypeVar("M_co", bound=Message, covariant=True)

MOST_CHARACTERS = 255
Attribute = Annotated[str, StringConstraints(min_length=1, max_length=MOST_CHARACTERS, pattern=r"^[^\x00]*$")]

Time = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC))]
"""Times that every clock can show: beyond them, a change of the time zone is an overflow."""


_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


def _identifies(traceparent: str) -> str:
    """https://www.w3.org/TR/trace-context/#traceparent-header-field-values: version ff and zeros are invalid."""
    if traceparent[:2] == "ff" or traceparent[3:35] == _NO_TRACE or traceparent[36:52] == _NO_SPAN:
        raise ValueError("identifies no span")
    return traceparent


TraceParent = Annotated[
    str, Field(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"), AfterValidator(_identifies)
]


@dataclass(frozen=True, kw_only=True)
class Envelope(Generic[M_co]):
    """A message with its identity (`source`, `id`), its time, its saga and its cause.

    What we say ourselves is not validated; what comes in is, by `envelopes_of`.
    """

    specversion: Literal["1.0"] = "1.0"
    id: Attribute
    source: Attribute
    type: Attribute
    subject: Attribute
    time: Time
    datacontenttype: Literal["application/json"] = "application/json"
    correlationid: Attribute
    causationid: Attribute | None = None
    traceparent: TraceParent | None = None
    data: SerializeAsAny[M_co]

    @property
    def saga_id(self) -> str:
        return self.correlationid

    @property
    def day(self) -> date:
        """The event's own day: an immutable part of its identity, by which inboxes are partitioned."""
        return self.time.date()

    def encode(self) -> bytes:
        """Structured mode: one JSON object of attributes and data."""
        return envelopes_of(Message).dump_json(self, exclude_none=True)


M = TypeVar("M", bound=Message)


@cache
def envelopes_of(message: type[M]) -> TypeAdapter[Envelope[M]]:
    """Validates envelopes of such messages; made once for each type."""
    return TypeAdapter(Envelope[message])  # type: ignore[valid-type] # at run time it is a type
