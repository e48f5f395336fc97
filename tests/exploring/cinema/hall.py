"""Holds seats and frees them, as it should be done; and the ways in which it is done wrongly."""

from uuid import UUID

from events import Event
from saga import Book, Kind, Law, Laws, Pool, Refusal, Service, Tx, outbox, transaction
from saga.hands import NONE
from saga.testing import enveloped
from tests.exploring.cinema.messages import Declined, Refunded, SeatsFreed, SeatsHeld, SoldOut, TicketsWanted

LAWS = Laws(
    sagas="",
    rules=(
        Book(
            "ticket",
            keeper="hall",
            entries="SELECT order_id::text AS saga_id, CASE WHEN held THEN 'sold' ELSE 'none' END AS entry "
            "FROM hold WHERE order_id = ANY ($1::text[]::uuid[])",
            unknown="none",
        ),
        Law(
            "each of three seats is free, or held for somebody",
            breaches="SELECT NULL AS saga_id, "
            "format('%s free and %s held, %s for somebody', free, held, taken) AS detail "
            "FROM room, (SELECT coalesce(sum(seats), 0) AS taken FROM hold WHERE held) AS holds "
            "WHERE held <> taken OR free + held <> 3",
        ),
    ),
)


def hall(bug: str, pool: list[Pool]) -> Service:  # noqa: C901 - all that can be wrong with it, side by side
    """`pool` is a way around the transaction, for who would go it."""
    service = Service("hall", package="tests.exploring.cinema", laws=LAWS)

    @service.on(TicketsWanted)
    async def hold_seats(wanted: TicketsWanted, tx: Tx) -> SeatsHeld | SoldOut:
        locking = "" if bug == "lost update" else "FOR UPDATE"
        free = await tx.fetchval(f"SELECT free FROM room {locking}")
        if free < wanted.seats:
            await tx.execute("INSERT INTO hold VALUES ($1, $2, false)", wanted.order_id, wanted.seats)
            return SoldOut(order_id=wanted.order_id)
        held = SeatsHeld(order_id=wanted.order_id, amount=wanted.seats * wanted.price, card=wanted.card)
        if bug == "said outside the transaction":
            await say_at_once(pool[0], held)
        if bug == "lost update":
            await tx.execute("UPDATE room SET free = $1, held = held + $2", free - wanted.seats, wanted.seats)
        else:
            await tx.execute("UPDATE room SET free = free - $1, held = held + $1", wanted.seats)
        await tx.execute("INSERT INTO hold VALUES ($1, $2, true)", wanted.order_id, wanted.seats)
        return held

    @service.refuses(hold_seats)
    async def refuse_seats(refusal: Refusal, _: Tx) -> SoldOut:
        return SoldOut(order_id=UUID(refusal.saga))

    async def free_seats(lost: Declined | Refunded, tx: Tx) -> SeatsFreed:
        if bug != "no undo":
            seats = await tx.fetchval(
                "UPDATE hold SET held = false WHERE order_id = $1 AND held RETURNING seats", lost.order_id
            )
            await tx.execute("UPDATE room SET free = free + $1, held = held - $1", seats or 0)
        return SeatsFreed(order_id=lost.order_id)

    async def free_seats_each_time(lost: Declined | Refunded, tx: Tx) -> None:
        seats = await tx.fetchval("UPDATE hold SET held = false WHERE order_id = $1 RETURNING seats", lost.order_id)
        await tx.execute("UPDATE room SET free = free + $1, held = held - $1", seats or 0)

    if bug == "undo that isn't idempotent":
        service.on(Declined, Refunded, kind=Kind.LISTENER)(free_seats_each_time)
    elif bug == "undo before do":
        service.on(Declined, Refunded, kind=Kind.RETRIABLE)(free_seats)
    else:
        service.on(Declined, Refunded, undoes=hold_seats)(free_seats)
    return service


async def say_at_once(pool: Pool, event: Event) -> None:
    """What the textbook does: published before what it tells of is committed."""
    async with transaction(pool) as tx:
        await outbox.store(tx, [enveloped(event)], NONE)
