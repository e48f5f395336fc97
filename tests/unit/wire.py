"""Messages as somebody outside sends them."""

import json

from events import CONTENT_TYPE, Delivery, OrderPlaced
from tests.builders import order_placed

PLACED = OrderPlaced.event_type
ORDER_ID = "0198f2a0-6f1e-7c3a-9d52-3c1e6b0f4a11"


def order(**changes: object) -> dict[str, object]:
    """The data of a valid order, with these fields changed."""
    return {**order_placed(order_id=ORDER_ID).model_dump(mode="json"), **changes}


def order_line(**changes: object) -> dict[str, object]:
    return {"sku": "CHAIR", "quantity": 2, "unit_price": 4990, **changes}


def ship_to(**changes: object) -> dict[str, object]:
    return {"name": "Ada", "street": "12 St James's Square", "city": "London", "country": "GB", **changes}


def cloud_event(**changes: object) -> dict[str, object]:
    """A CloudEvent with nothing but what CloudEvents demands; fields that are changed to `...` are left out."""
    whole = {"specversion": "1.0", "id": "e-1", "source": "till", "type": PLACED, "data": order(), **changes}
    return {name: value for name, value in whole.items() if value is not ...}


def attributes(prefix: str = "cloudEvents:", /, **changes: object) -> dict[str, object]:
    """The same as headers of a message in binary mode."""
    return {prefix + name: value for name, value in cloud_event(data=..., **changes).items()}


def structured(content: object) -> Delivery:
    return Delivery(PLACED, json.dumps(content).encode(), content_type=CONTENT_TYPE)


def binary(headers: dict[str, object], data: object = None) -> Delivery:
    return Delivery(PLACED, json.dumps(data or order()).encode(), content_type="application/json", headers=headers)


def bare(data: object, message_id: str = "", app_id: str = "") -> Delivery:
    return Delivery(PLACED, json.dumps(data).encode(), message_id=message_id, app_id=app_id)
