"""What inventory says."""

from typing import Annotated

from pydantic import Field

from events.event import AboutOrder, Event
from events.values import (
    PERSONAL,
    Address,
    Allocation,
    Amount,
    Currency,
    Detail,
    Outcome,
    Quantity,
    Reason,
    Sku,
    Text,
    Value,
)


class Shortage(Value):
    """A line that can't be served: how many were wanted, and how many all warehouses have together."""

    sku: Sku
    requested: Quantity
    available: Annotated[int, Field(strict=True, ge=0, lt=2**63)]


class StockReserved(AboutOrder, Event, event_type="stock.reserved.v1", exchange="inventory"):
    """Every line of the order is held, where `allocations` say."""

    customer_id: Annotated[Text, PERSONAL]
    amount: Amount
    currency: Currency
    payment_method: Annotated[Text, PERSONAL]
    ship_to: Address
    allocations: tuple[Allocation, ...]


class StockRejected(AboutOrder, Event, event_type="stock.rejected.v1", exchange="inventory"):
    """Nothing is held for the order: `out_of_stock` or `unknown_sku`."""

    reason: Reason
    detail: Detail = ""
    shortages: tuple[Shortage, ...] = ()


class StockReleased(AboutOrder, Event, event_type="stock.released.v1", exchange="inventory"):
    """Nothing is held for the order any more, and never will be. `lines` were; none, if nothing was held."""

    lines: tuple[Allocation, ...] = ()
    outcome: Outcome = Outcome.CANCELLED
    reason: Detail = ""


class StockDeducted(AboutOrder, Event, event_type="stock.deducted.v1", exchange="inventory"):
    """The order's pieces have left the shelves."""

    lines: tuple[Allocation, ...] = ()
