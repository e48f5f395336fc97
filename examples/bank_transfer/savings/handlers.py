"""The recipient's bank: it credits, or says why it can't. What it has credited stays."""

from uuid import UUID

from examples.bank_transfer.events import CreditRefused, MoneyCredited, MoneyDebited
from saga import Book, Kind, Law, Laws, Refusal, Service, Tx, queries

sql = queries(__file__)

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("money", keeper="savings", entries=sql.received, unknown="0"),
        Law("every posting adds up to nothing", breaches=sql.lopsided),
        Law("every balance is what was posted", breaches=sql.misread),
    ),
)
savings = Service("savings", package=__package__, laws=LAWS)


@savings.on(MoneyDebited, kind=Kind.PIVOT)
async def credit(debited: MoneyDebited, tx: Tx) -> MoneyCredited | CreditRefused:
    """From flight into the recipient's account, in one posting; the recipient may spend it from now on."""
    account = await tx.fetchrow(sql.account, debited.recipient)
    if account is None or account["closed"]:
        reason = "unknown_account" if account is None else "closed_account"
        return CreditRefused(transfer_id=debited.transfer_id, reason=reason)
    await tx.execute(sql.post, debited.transfer_id, "credit", debited.recipient, debited.amount)
    return MoneyCredited(transfer_id=debited.transfer_id)


@savings.refuses(credit)
async def refuse_credit(refusal: Refusal, tx: Tx) -> CreditRefused:  # noqa: ARG001 — nothing was credited
    """A person has decided that this money is not to land here."""
    return CreditRefused(transfer_id=UUID(refusal.saga), reason=refusal.reason, detail=refusal.detail)
