"""CloudEvents 1.0 around an event: who says it, when, about which saga, and what caused it.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, with the extensions `correlationid`,
`causationid` (https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/correlation.md) and
`traceparent` (https://www.w3.org/TR/trace-context/).
"""

from datetime import UTC, date, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, SerializeAsAny, StringConstraints

from events.event import Message

CONTENT_TYPE = "application/cloudevents+json"

M_co = TypeVar("M_co", bound=Message, covariant=True)

Attribute = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00]*$")]

Time = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC))]
"""Times that every clock can show: beyond them, a change of the time zone is an overflow."""


def _identifies(traceparent: str) -> str:
    """https://www.w3.org/TR/trace-context/#traceparent-header-field-values: version ff and zeros are invalid."""
    version, trace, span, _ = traceparent.split("-")
    if version == "ff" or not int(trace, 16) or not int(span, 16):
        raise ValueError("identifies no span")
    return traceparent


TraceParent = Annotated[
    str, Field(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"), AfterValidator(_identifies)
]


class Envelope(BaseModel, Generic[M_co]):
    """A message with its identity (`source`, `id`), its time, its saga and its cause."""

    model_config = ConfigDict(frozen=True)

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
        return self.model_dump_json(exclude_none=True).encode()
