"""The cinema, with at most one bug planted in it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from events import Message
from saga import Book, Call, Laws, Pool, Refusal, Service, Settings, Tx
from saga.caller import Performer
from saga.exploring import Scenario
from tests.exploring.cinema.hall import RESTLESS, hall
from tests.exploring.cinema.messages import (
    Charge,
    Charged,
    Declined,
    GiveUp,
    HoldExpired,
    Refunded,
    SeatsHeld,
    TicketsGivenUp,
    TicketsWanted,
    Want,
)

BUGS = (
    "no undo",
    "undo that isn't idempotent",
    "undo before do",
    "lost update",
    "said outside the transaction",
    "refund of the wrong amount",
    "seats that free themselves",
)
BY_CLOCK = {"seats that free themselves", RESTLESS}
"""What only shows when the clock ticks."""
LAWS = Laws(
    sagas="",
    rules=(
        Book(
            "ticket",
            keeper="till",
            entries="SELECT order_id::text AS saga_id, CASE WHEN kept > 0 THEN 'sold' ELSE 'none' END AS entry "
            "FROM payment WHERE order_id = ANY ($1::text[]::uuid[])",
            unknown="none",
        ),
    ),
)


def story_of(bug: str) -> str:
    """The one in which it shows."""
    return "bought" if bug in BY_CLOCK else "given up"


def desk() -> Service:
    service = Service("desk", package="tests.exploring.cinema", front_door=True)

    @service.on(Want)
    async def want(command: Want, _: Tx) -> TicketsWanted:
        return TicketsWanted(order_id=command.order_id)

    @service.on(GiveUp)
    async def give_up(command: GiveUp, _: Tx) -> TicketsGivenUp:
        return TicketsGivenUp(order_id=command.order_id)

    return service


def till(bug: str) -> Service:
    service = Service("till", package="tests.exploring.cinema", laws=LAWS)

    @service.on(SeatsHeld)
    async def charge(held: SeatsHeld, _: Tx) -> Charge:
        return Charge(order_id=held.order_id, amount=held.amount, card=held.card)

    @service.settles(Charge)
    async def record(charge: Charge, is_paid: bool, tx: Tx) -> Charged | Declined:  # noqa: FBT001 - the outcome
        if not is_paid:
            return Declined(order_id=charge.order_id)
        await tx.execute("INSERT INTO payment VALUES ($1, $2)", charge.order_id, charge.amount)
        return Charged(order_id=charge.order_id)

    @service.refuses(charge)
    async def refuse_charge(refusal: Refusal, _: Tx) -> Declined:
        return Declined(order_id=UUID(refusal.saga))

    @service.on(TicketsGivenUp, HoldExpired, undoes=charge)
    async def refund(lost: TicketsGivenUp | HoldExpired, tx: Tx) -> Refunded:
        part = 2 if bug == "refund of the wrong amount" else 1
        await tx.execute("UPDATE payment SET kept = kept - kept / $2 WHERE order_id = $1", lost.order_id, part)
        return Refunded(order_id=lost.order_id)

    return service


def cinema(bug: str = "", *, clock: bool = False) -> Scenario:
    """The hall's clock ticks if it is told to, or where the bug would never show without it."""
    around: list[Pool] = []

    def bank(_: Pool) -> Mapping[type[Call], Performer]:
        async def perform(charge: Charge, _: UUID) -> bool:
            return charge.card == "good"

        return {Charge: perform}

    def nobody(pool: Pool) -> Mapping[type[Call], Performer]:
        around[:] = [pool]
        return {}

    return Scenario(
        services=[desk(), hall(bug, around), till(bug)],
        stories={
            "bought": lambda saga: [TicketsWanted(order_id=saga)],
            "declined": lambda saga: [TicketsWanted(order_id=saga, card="bad")],
            "given up": given_up,
        },
        outside={"till": bank, "hall": nobody},
        prepared={"hall": "INSERT INTO room (name, free) VALUES ('one', 3)"},
        clocks={"hall": Settings.of("hall").model_construct()} if clock or bug in BY_CLOCK else {},
    )


def given_up(saga: UUID) -> Sequence[Message]:
    return [TicketsWanted(order_id=saga), TicketsGivenUp(order_id=saga)]
