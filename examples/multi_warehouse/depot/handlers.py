"""The depot's part in a transfer: it ships, and takes back what the branch doesn't keep."""

from uuid import UUID

from examples.multi_warehouse.events import (
    GoodsReturned,
    GoodsShelved,
    GoodsShipped,
    ReceiptCancelled,
    ReceiptRefused,
    TransferCancelled,
    TransferRejected,
    TransferRequested,
)
from saga import Book, Command, Law, Laws, Refusal, Service, Tx, queries

sql = queries(__file__)

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("pieces", keeper="depot", entries=sql.gone, unknown="0"),
        Law("the shelf and the road hold all pieces that there were", breaches=sql.miscounted),
    ),
)
depot = Service("depot", package=__package__, front_door=True, laws=LAWS)


class RequestTransfer(Command):
    """Somebody at the API wants it."""

    transfer: TransferRequested

    @property
    def saga_id(self) -> str:
        return self.transfer.saga_id


class CancelTransfer(Command):
    """Somebody at the API doesn't want it any more."""

    transfer: TransferCancelled

    @property
    def saga_id(self) -> str:
        return self.transfer.saga_id


@depot.on(RequestTransfer)
async def request_transfer(request: RequestTransfer, tx: Tx) -> TransferRequested:  # noqa: ARG001 — it is told only
    """Tell everyone, this warehouse included."""
    return request.transfer


@depot.on(CancelTransfer)
async def cancel_transfer(request: CancelTransfer, tx: Tx) -> TransferCancelled:  # noqa: ARG001 — see above
    """Tell everyone, whatever has become of the pieces."""
    return request.transfer


@depot.on(TransferRequested)
async def ship_out(transfer: TransferRequested, tx: Tx) -> GoodsShipped | TransferRejected:
    """From the shelf onto the road; or nothing, if there aren't so many."""
    told = transfer.transfer_id, transfer.sku, transfer.quantity
    if not await tx.fetchval(sql.ship_out, *told):
        return TransferRejected(transfer_id=transfer.transfer_id, reason="out_of_stock")
    return GoodsShipped(transfer_id=transfer.transfer_id, sku=transfer.sku, quantity=transfer.quantity)


@depot.refuses(ship_out)
async def refuse_transfer(refusal: Refusal, tx: Tx) -> TransferRejected:  # noqa: ARG001 — nothing has left
    """A person has decided that nothing leaves."""
    return TransferRejected(transfer_id=UUID(refusal.saga), reason=refusal.reason, detail=refusal.detail)


@depot.on(ReceiptRefused, ReceiptCancelled, undoes=ship_out)
async def take_back(sent_back: ReceiptRefused | ReceiptCancelled, tx: Tx) -> GoodsReturned:
    """From the road back onto the shelf: what was sent, which may be nothing."""
    quantity = await tx.fetchval(sql.take_back, sent_back.transfer_id)
    return GoodsReturned(transfer_id=sent_back.transfer_id, quantity=quantity or 0)


@depot.on(GoodsShelved)
async def note_arrival(shelved: GoodsShelved, tx: Tx) -> None:
    """They are not on the road any more, and won't come back."""
    await tx.execute(sql.note_arrival, shelved.transfer_id)
