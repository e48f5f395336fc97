"""An event: a fact, named in the past tense, that its owner tells everyone."""

from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """Something that one saga's participants say to each other, or to themselves.

    Frozen, compared by value; identity, time and tracing live in the envelope. Readers ignore unknown fields.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    @property
    def saga_id(self) -> str:
        """Which saga it belongs to. Every family of messages says which of its fields that is."""
        raise NotImplementedError(f"{type(self).__name__} must say which saga it belongs to")


class Event(Message):
    """Published by the owner of `exchange` under the routing key `event_type`. Nobody needs to hear a `final` one."""

    event_type: ClassVar[str]
    exchange: ClassVar[str]
    final: ClassVar[bool] = False

    def __init_subclass__(
        cls, *, event_type: str | None = None, exchange: str | None = None, final: bool = False, **config: Any
    ) -> None:
        super().__init_subclass__(**config)
        cls.final = final
        if event_type is not None:
            cls.event_type = event_type
        if exchange is not None:
            cls.exchange = exchange


class AboutOrder(BaseModel):
    """The family of the order saga: the order is the saga."""

    order_id: UUID

    @property
    def saga_id(self) -> str:
        return str(self.order_id)
