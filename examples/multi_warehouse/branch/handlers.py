"""The branch's part in a transfer: it receives, and decides whether a cancellation still comes in time."""

from uuid import UUID

from examples.multi_warehouse.events import (
    CancellationRefused,
    GoodsReceived,
    GoodsShelved,
    GoodsShipped,
    ReceiptCancelled,
    ReceiptRefused,
    TransferCancelled,
)
from saga import Book, Command, CommandRefused, Kind, Law, Laws, Refusal, Service, Tx, queries

sql = queries(__file__)

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("pieces", keeper="branch", entries=sql.here, unknown="0"),
        Law("store room and shelf hold what has come", breaches=sql.miscounted),
    ),
)
branch = Service("branch", package=__package__, laws=LAWS)


class Shelve(Command):
    """Somebody at the API puts what has come onto the shelf."""

    transfer_id: UUID

    @property
    def saga_id(self) -> str:
        return str(self.transfer_id)


@branch.on(GoodsShipped)
async def receive(shipped: GoodsShipped, tx: Tx) -> GoodsReceived | ReceiptRefused:
    """From the road into the store room, if there is room for them."""
    if not await tx.fetchval(sql.receive, shipped.transfer_id, shipped.sku, shipped.quantity):
        return ReceiptRefused(transfer_id=shipped.transfer_id, reason="no_room")
    return GoodsReceived(transfer_id=shipped.transfer_id)


@branch.refuses(receive)
async def refuse_receipt(refusal: Refusal, tx: Tx) -> ReceiptRefused:  # noqa: ARG001 — nothing has come in
    """A person has decided that they are not taken."""
    return ReceiptRefused(transfer_id=UUID(refusal.saga), reason=refusal.reason, detail=refusal.detail)


@branch.on(Shelve, kind=Kind.PIVOT, after=receive)
async def shelve(asked: Shelve, tx: Tx) -> GoodsShelved:
    """From the store room onto the shelf: from now on they may be sold, and can't be sent back."""
    if not await tx.fetchval(sql.shelve, asked.transfer_id):
        raise CommandRefused("not_in_store_room", f"transfer {asked.transfer_id} has nothing in the store room")
    return GoodsShelved(transfer_id=asked.transfer_id)


@branch.on(TransferCancelled, undoes=receive, too_late=CancellationRefused)
async def send_back(cancelled: TransferCancelled, tx: Tx) -> ReceiptCancelled | CancellationRefused:
    """From the store room onto the road, or nothing; unless they are for sale already."""
    if await tx.fetchval(sql.send_back, cancelled.transfer_id) == "shelved":
        return CancellationRefused(transfer_id=cancelled.transfer_id)
    return ReceiptCancelled(transfer_id=cancelled.transfer_id)
