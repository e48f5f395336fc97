"""Where an order's pieces are to come from: all of them, or none."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from events import (
    Allocation,
    Line,
    Message,
    OrderPlaced,
    Outcome,
    PaymentDeclined,
    PaymentRefunded,
    Shortage,
    StockRejected,
    StockReserved,
)

Place = tuple[str, str]
"""A sku in a warehouse."""


class Shelf:
    """What is available in each place, less what has been allocated from it. A sku is known if it has a place."""

    def __init__(self, available: Mapping[Place, int]) -> None:
        self._by_sku: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for (sku, warehouse), pieces in available.items():
            self._by_sku[sku][warehouse] = pieces

    def knows(self, sku: str) -> bool:
        return sku in self._by_sku

    def pieces(self, sku: str, warehouse: str | None = None) -> int:
        """How many there are, in one warehouse or in all."""
        places = self._by_sku.get(sku, {})
        return sum(places.values()) if warehouse is None else places.get(warehouse, 0)

    def warehouses(self, skus: Iterable[str]) -> list[str]:
        return sorted({warehouse for sku in skus for warehouse in self._by_sku.get(sku, {})})

    def take(self, allocations: Iterable[Allocation]) -> None:
        for allocation in allocations:
            self._by_sku[allocation.sku][allocation.warehouse] -= allocation.quantity


def reserve(order: OrderPlaced, shelf: Shelf) -> StockReserved | StockRejected:
    """Take every line of the order from the shelf, or nothing."""
    if unknown := [line.sku for line in order.lines if not shelf.knows(line.sku)]:
        return _rejected(order, shelf, "unknown_sku", f"no warehouse has ever had {', '.join(unknown)}")
    if short := [line for line in order.lines if shelf.pieces(line.sku) < line.quantity]:
        wanted = ", ".join(f"{line.quantity} {line.sku} of {shelf.pieces(line.sku)}" for line in short)
        return _rejected(order, shelf, "out_of_stock", f"wanted {wanted} available")
    allocations = allocate(order.lines, shelf)
    shelf.take(allocations)
    return StockReserved(
        order_id=order.order_id,
        customer_id=order.customer_id,
        amount=order.amount,
        currency=order.currency,
        payment_method=order.payment_method,
        ship_to=order.ship_to,
        allocations=tuple(allocations),
    )


def allocate(lines: Sequence[Line], shelf: Shelf) -> list[Allocation]:
    """From one warehouse that can serve the whole order, or else from as few as a greedy choice finds.

    The shelf has enough of each line, in all warehouses together.
    """
    open_lines = {line.sku: line.quantity for line in lines}
    warehouses = shelf.warehouses(open_lines)
    allocations: list[Allocation] = []
    while open_lines:
        served = {
            warehouse: {sku: min(wanted, shelf.pieces(sku, warehouse)) for sku, wanted in open_lines.items()}
            for warehouse in warehouses
        }
        best = max(warehouses, key=lambda warehouse: sum(served[warehouse].values()))
        allocations += [
            Allocation(sku=sku, warehouse=best, quantity=pieces) for sku, pieces in served[best].items() if pieces
        ]
        open_lines = {
            sku: wanted - served[best][sku] for sku, wanted in open_lines.items() if wanted > served[best][sku]
        }
        warehouses.remove(best)
    return allocations


def why_released(lost: Message, rejected: str | None) -> tuple[Outcome, str]:
    """Why the order holds nothing: its own rejection, if inventory refused it; else what undid it."""
    match lost:
        case _ if rejected:
            return Outcome.REJECTED, rejected
        case PaymentDeclined():
            return Outcome.REJECTED, lost.reason
        case PaymentRefunded():
            return lost.outcome, lost.reason
        case _:
            return Outcome.CANCELLED, "released at inventory's own door"


def _rejected(order: OrderPlaced, shelf: Shelf, reason: str, detail: str) -> StockRejected:
    shortages = tuple(
        Shortage(sku=line.sku, requested=line.quantity, available=shelf.pieces(line.sku))
        for line in order.lines
        if shelf.pieces(line.sku) < line.quantity
    )
    return StockRejected(order_id=order.order_id, reason=reason, detail=detail, shortages=shortages)
