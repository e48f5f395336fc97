"""Every event that can be said, for properties that hold for all of them."""

from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

import events
from events import (
    Address,
    Allocation,
    Envelope,
    Event,
    Line,
    OrderCancelled,
    OrderPlaced,
    Outcome,
    Parcel,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    ShipmentCancellationRefused,
    ShipmentCancelled,
    ShipmentDispatched,
    ShipmentRejected,
    ShipmentScheduled,
    Shortage,
    StockDeducted,
    StockRejected,
    StockReleased,
    StockReserved,
)

EVENTS: tuple[type[Event], ...] = tuple(
    kind
    for kind in (getattr(events, name) for name in events.__all__)
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
)
"""Every event of the published language."""

_characters = st.characters(codec="utf-8", exclude_characters="\0")
text = st.text(_characters, min_size=1, max_size=20)
detail = st.text(_characters, max_size=20)
skus = st.text(st.characters(categories=("Lu", "Nd")), min_size=1, max_size=8)
quantities = st.integers(1, 10_000)
amounts = st.integers(0, 2**63 - 1)
currencies = st.sampled_from(["EUR", "USD", "JPY"])
outcomes = st.sampled_from(Outcome)
addresses = st.builds(
    Address, name=text, street=text, city=text, postal_code=detail, country=st.sampled_from(["GB", "DE", "AQ"])
)
lines = st.builds(Line, sku=skus, quantity=quantities, unit_price=st.integers(0, 10**12))
orders_lines = st.lists(lines, min_size=1, max_size=4, unique_by=lambda line: line.sku)
_allocations = st.lists(st.builds(Allocation, sku=skus, warehouse=text, quantity=quantities), max_size=3)
_parcels = st.lists(st.builds(Parcel, parcel_id=text, warehouse=text, carrier=text, tracking=text), max_size=3)
_shortages = st.lists(st.builds(Shortage, sku=skus, requested=quantities, available=amounts), max_size=3)

_FIELDS: dict[type[Event], dict[str, SearchStrategy[object]]] = {
    OrderPlaced: {
        "customer_id": text,
        "currency": currencies,
        "lines": orders_lines,
        "payment_method": text,
        "ship_to": addresses,
        "fulfil_within": st.none() | st.integers(1, 315_360_000),
    },
    OrderCancelled: {"reason": text},
    StockReserved: {
        "customer_id": text,
        "amount": amounts,
        "currency": currencies,
        "payment_method": text,
        "ship_to": addresses,
        "allocations": _allocations,
    },
    StockRejected: {"reason": text, "detail": detail, "shortages": _shortages},
    StockReleased: {"lines": _allocations, "outcome": outcomes, "reason": detail},
    StockDeducted: {"lines": _allocations},
    PaymentCaptured: {
        "payment_id": text,
        "amount": amounts,
        "currency": currencies,
        "ship_to": addresses,
        "allocations": _allocations,
    },
    PaymentDeclined: {"reason": text, "detail": detail},
    PaymentRefunded: {
        "amount": amounts,
        "currency": st.none() | currencies,
        "payment_id": st.none() | text,
        "outcome": outcomes,
        "reason": detail,
    },
    ShipmentScheduled: {"parcels": _parcels},
    ShipmentRejected: {"reason": text, "detail": detail},
    ShipmentDispatched: {"parcels": _parcels},
    ShipmentCancelled: {"parcels": _parcels, "reason": detail},
    ShipmentCancellationRefused: {"reason": text, "detail": detail},
}


def of(event: type[Event]) -> SearchStrategy[Event]:
    """Valid events of this type."""
    return st.fixed_dictionaries({"order_id": st.uuids(), **_FIELDS[event]}).map(event.model_validate)


any_event = st.sampled_from(EVENTS).flatmap(of)

_hex = st.integers(1, 2**64 - 1)
_traceparents = st.builds("00-{:032x}-{:016x}-01".format, _hex, _hex)
_times = st.datetimes(datetime(1970, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 — hypothesis wants them so


@st.composite
def envelopes(draw: st.DrawFn, event: type[Event]) -> Envelope[Event]:
    """An event of this type, as somebody says it at some time."""
    said = draw(of(event))
    return Envelope[Event](
        id=draw(text),
        source=draw(text),
        type=event.event_type,
        subject=said.saga_id,
        time=draw(_times),
        correlationid=said.saga_id,
        causationid=draw(st.none() | text),
        traceparent=draw(st.none() | _traceparents),
        data=said,
    )
