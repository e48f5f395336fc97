"""A participant that does its part, and undoes it, without a word."""

from events import ShipmentCancelled, ShipmentScheduled
from saga import Service, Tx

follower = Service("follower")


@follower.on(ShipmentScheduled)
async def take_note(_: ShipmentScheduled, __: Tx) -> None: ...


@follower.on(ShipmentCancelled, undoes=take_note)
async def strike_note(_: ShipmentCancelled, __: Tx) -> None: ...
