"""What the cinema's services say."""

from uuid import UUID

from events import AboutOrder, Event
from saga import Call, Command


class TicketsWanted(AboutOrder, Event, event_type="tickets.wanted.v1", exchange="desk"):
    seats: int = 2
    price: int = 10
    card: str = "good"


class TicketsGivenUp(AboutOrder, Event, event_type="tickets.given_up.v1", exchange="desk"):
    pass


class SeatsHeld(AboutOrder, Event, event_type="seats.held.v1", exchange="hall"):
    amount: int
    card: str


class SoldOut(AboutOrder, Event, event_type="seats.sold_out.v1", exchange="hall", final=True):
    pass


class HoldExpired(AboutOrder, Event, event_type="seats.hold_expired.v1", exchange="hall"):
    pass


class SeatsFreed(AboutOrder, Event, event_type="seats.freed.v1", exchange="hall", final=True):
    pass


class Charged(AboutOrder, Event, event_type="payment.charged.v1", exchange="till", final=True):
    pass


class Declined(AboutOrder, Event, event_type="payment.declined.v1", exchange="till"):
    pass


class Refunded(AboutOrder, Event, event_type="payment.refunded.v1", exchange="till"):
    pass


class Want(AboutOrder, Command):
    pass


class GiveUp(AboutOrder, Command):
    pass


class Expire(AboutOrder, Command):
    pass


class Charge(Call):
    order_id: UUID
    amount: int
    card: str

    @property
    def saga_id(self) -> str:
        return str(self.order_id)
