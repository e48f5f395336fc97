"""What the front door says."""

from collections import Counter
from typing import Annotated, Self

from pydantic import FailFast, Field, model_validator
from pydantic_core import PydanticCustomError

from events.event import AboutOrder, Event
from events.values import PERSONAL, Address, Amount, Currency, Line, Reason, Seconds, Text


class OrderPlaced(AboutOrder, Event, event_type="order.placed.v1", exchange="orders"):
    """Somebody wants these goods, paid by this method, sent to this place, perhaps within a time."""

    customer_id: Annotated[Text, PERSONAL]
    currency: Currency
    # A megabyte of bad lines has a million problems, which took seconds to name: the first will do.
    lines: Annotated[tuple[Line, ...], FailFast(), Field(min_length=1, max_length=100)]
    payment_method: Annotated[Text, PERSONAL]
    ship_to: Address
    fulfil_within: Annotated[
        Seconds | None, Field(description="counted from when the front door first hears of the order")
    ] = None

    @model_validator(mode="after")
    def _each_sku_once(self) -> Self:
        skus = [line.sku for line in self.lines]
        if len(set(skus)) < len(skus):
            (sku, times), *_ = Counter(skus).most_common(1)
            raise PydanticCustomError(
                "sku_repeated",
                "lines: sku '{sku}' is there {times} times, and may be there once",
                {"sku": sku, "times": times},
            )
        return self

    @property
    def amount(self) -> Amount:
        """The order's value in the currency's minor unit."""
        return sum(line.quantity * line.unit_price for line in self.lines)


class OrderCancelled(AboutOrder, Event, event_type="order.cancelled.v1", exchange="orders"):
    """Whatever has been done for the order is to be undone, unless it has left the house."""

    reason: Reason = "cancelled"
