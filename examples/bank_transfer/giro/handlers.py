"""The sender's bank: it debits, and takes that back if the other bank doesn't credit."""

from uuid import UUID

from examples.bank_transfer.events import (
    CreditRefused,
    DebitReversed,
    MoneyCredited,
    MoneyDebited,
    TransferOrdered,
    TransferRefused,
)
from saga import Book, Command, Law, Laws, Refusal, Service, Tx, queries

sql = queries(__file__)

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("money", keeper="giro", entries=sql.sent, unknown="0"),
        Law("every posting adds up to nothing", breaches=sql.lopsided),
        Law("every balance is what was posted", breaches=sql.misread),
    ),
)
giro = Service("giro", package=__package__, front_door=True, laws=LAWS)


class OrderTransfer(Command):
    """A customer asks for it, at the API."""

    transfer: TransferOrdered

    @property
    def saga_id(self) -> str:
        return self.transfer.saga_id


@giro.on(OrderTransfer)
async def order_transfer(order: OrderTransfer, tx: Tx) -> TransferOrdered:  # noqa: ARG001 — it is kept when it is heard
    """Tell everyone, this bank included: a transfer that was ordered at the broker goes the same way."""
    return order.transfer


@giro.on(TransferOrdered)
async def debit(transfer: TransferOrdered, tx: Tx) -> MoneyDebited | TransferRefused:
    """From the sender's account into flight, in one posting; or nothing, if the account doesn't hold it."""
    balance = await tx.fetchval(sql.lock_balance, transfer.sender)
    if balance is None or balance < transfer.amount:
        reason = "unknown_account" if balance is None else "insufficient_funds"
        await tx.execute(sql.note_refusal, transfer.transfer_id, transfer.sender)
        return TransferRefused(transfer_id=transfer.transfer_id, reason=reason)
    await tx.execute(sql.open_transfer, transfer.transfer_id, transfer.sender, transfer.amount)
    await tx.execute(sql.post, transfer.transfer_id, "debit", transfer.sender, -transfer.amount)
    return MoneyDebited(transfer_id=transfer.transfer_id, recipient=transfer.recipient, amount=transfer.amount)


@giro.refuses(debit)
async def refuse_transfer(refusal: Refusal, tx: Tx) -> TransferRefused:
    """A person has decided that this transfer is not to be."""
    await tx.execute(sql.note_refusal, UUID(refusal.saga), "")
    return TransferRefused(transfer_id=UUID(refusal.saga), reason=refusal.reason, detail=refusal.detail)


@giro.on(CreditRefused, undoes=debit)
async def reverse_debit(refused: CreditRefused, tx: Tx) -> DebitReversed:
    """The money in flight comes back, in a posting of its own: what was posted is never erased."""
    sent = await tx.fetchrow(sql.reverse_transfer, refused.transfer_id)
    if sent is None:
        return DebitReversed(transfer_id=refused.transfer_id, amount=0)
    await tx.execute(sql.post, refused.transfer_id, "reversal", sent["sender"], sent["amount"])
    return DebitReversed(transfer_id=refused.transfer_id, amount=sent["amount"])


@giro.on(MoneyCredited)
async def note_landing(credited: MoneyCredited, tx: Tx) -> None:
    """The transfer is over."""
    await tx.execute(sql.note_landing, credited.transfer_id)
