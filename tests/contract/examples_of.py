"""The public contract by example: for each type of event its data, as they have been on the wire since version 1.

An example never changes. What a new version of an event adds is told by a new example.
"""

from pathlib import Path
from typing import TypeVar
from uuid import UUID

from events import Address, Allocation, Event, Parcel

E = TypeVar("E", bound=Event)

FOLDER = Path(__file__).with_name("examples")
TYPES = sorted(file.name.removesuffix(".json") for file in FOLDER.glob("*.v1.json"))

# What the examples say, as consumers understand it.
ORDER_ID = "0198f2a0-6f1e-7c3a-9d52-3c1e6b0f4a11"
LONDON = Address(
    name="Ada Lovelace", street="12 St James's Square", city="London", postal_code="SW1Y 4JH", country="GB"
)
CHAIRS = Allocation(sku="CHAIR", warehouse="berlin", quantity=2)
PARCEL = Parcel(parcel_id="parcel_1", warehouse="berlin", carrier="simulated", tracking="SIM0198F2A0")


def example(event_type: str) -> bytes:
    return (FOLDER / f"{event_type}.json").read_bytes()


def of_order(order_id: UUID, event: type[E]) -> E:
    """The example, told of another order."""
    return event.model_validate_json(example(event.event_type)).model_copy(update={"order_id": order_id})
