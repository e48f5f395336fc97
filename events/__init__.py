"""The published language: every event of the order saga, its envelope, and how to read it off the wire."""

from events.decoding import MAX_BODY, Decoder, Delivered, Delivery
from events.envelope import CONTENT_TYPE, Envelope
from events.errors import BodyTooLarge, InvalidContent, InvalidMessage, TypeMismatch, UnknownType
from events.event import AboutOrder, Event, Message
from events.inventory import Shortage, StockDeducted, StockRejected, StockReleased, StockReserved
from events.orders import OrderCancelled, OrderPlaced
from events.payment import PaymentCaptured, PaymentDeclined, PaymentRefunded
from events.shipping import (
    ShipmentCancellationRefused,
    ShipmentCancelled,
    ShipmentDispatched,
    ShipmentRejected,
    ShipmentScheduled,
)
from events.values import Address, Allocation, Line, Outcome, Parcel

__all__ = [
    "CONTENT_TYPE",
    "MAX_BODY",
    "AboutOrder",
    "Address",
    "Allocation",
    "BodyTooLarge",
    "Decoder",
    "Delivered",
    "Delivery",
    "Envelope",
    "Event",
    "InvalidContent",
    "InvalidMessage",
    "Line",
    "Message",
    "OrderCancelled",
    "OrderPlaced",
    "Outcome",
    "Parcel",
    "PaymentCaptured",
    "PaymentDeclined",
    "PaymentRefunded",
    "ShipmentCancellationRefused",
    "ShipmentCancelled",
    "ShipmentDispatched",
    "ShipmentRejected",
    "ShipmentScheduled",
    "Shortage",
    "StockDeducted",
    "StockRejected",
    "StockReleased",
    "StockReserved",
    "TypeMismatch",
    "UnknownType",
]
