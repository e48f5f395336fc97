"""Billing's part: it charges for a term, gives the money back where it was for nothing, and opens the next term."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid5

from examples.subscription.billing.gateway import Charge, Charged, Declined, Refund, Refunded
from examples.subscription.events import (
    AccessGranted,
    AccessRefused,
    TermDeclined,
    TermOpened,
    TermPaid,
    TermRefunded,
)
from saga import Book, Command, Laws, Refusal, Service, Settings, Tx, queries

sql = queries(__file__)

AT_ONCE = 100
"""Terms opened in one transaction, at most."""

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("money", keeper="billing", entries=sql.earned, unknown="0"),
        Book("money", keeper="cards", entries=sql.moved, unknown="0"),
        Book("access", keeper="billing", entries=sql.entitled, unknown="no"),
    ),
)
billing = Service("billing", package=__package__, front_door=True, laws=LAWS)


class OpenTerm(Command):
    """Somebody subscribes at the API, or a term is over and the next one begins."""

    term: TermOpened

    @property
    def saga_id(self) -> str:
        return self.term.saga_id


@billing.on(OpenTerm)
async def open_term(asked: OpenTerm, tx: Tx) -> TermOpened:  # noqa: ARG001 — it is kept when it is heard
    """Tell everyone, billing included."""
    return asked.term


@billing.on(TermOpened)
async def charge_term(opened: TermOpened, tx: Tx) -> Charge:
    """Have the card pay for the term."""
    price = await tx.fetchval(
        sql.open_term,
        opened.term_id,
        opened.subscription_id,
        opened.number,
        opened.terms,
        opened.customer,
        opened.plan,
        opened.card,
    )
    return Charge(
        term_id=opened.term_id,
        subscription_id=opened.subscription_id,
        customer=opened.customer,
        plan=opened.plan,
        card=opened.card,
        number=opened.number,
        amount=price,
    )


@billing.settles(Charge)
async def record_charge(charge: Charge, answer: Charged | Declined, tx: Tx) -> TermPaid | TermDeclined:
    """The money is ours, or the card declined."""
    about = {"term_id": charge.term_id, "subscription_id": charge.subscription_id, "customer": charge.customer}
    if isinstance(answer, Declined):
        await tx.execute(sql.mark, charge.term_id, "declined")
        return TermDeclined(**about, reason=answer.reason)
    await tx.execute(sql.mark, charge.term_id, "paid")
    return TermPaid(**about, plan=charge.plan)


@billing.refuses(charge_term)
async def refuse_term(refusal: Refusal, tx: Tx) -> TermDeclined:  # noqa: ARG001 — nothing was charged
    """A person has decided that nothing is charged: nobody knows for which customer."""
    saga = UUID(refusal.saga)
    return TermDeclined(
        term_id=saga, subscription_id=saga, customer="unknown", reason=refusal.reason, detail=refusal.detail
    )


@billing.on(AccessRefused, undoes=charge_term)
async def refund_term(refused: AccessRefused, tx: Tx) -> Refund | TermRefunded:
    """Give back what was paid, which may be nothing."""
    about = {
        "term_id": refused.term_id,
        "subscription_id": refused.subscription_id,
        "customer": refused.customer,
    }
    paid = await tx.fetchval(sql.begin_refund, refused.term_id)
    return Refund(**about, amount=paid) if paid else TermRefunded(**about, amount=0)


@billing.settles(Refund)
async def record_refund(refund: Refund, answer: Refunded, tx: Tx) -> TermRefunded:
    """The money has gone back."""
    await tx.execute(sql.mark, refund.term_id, "refunded")
    return TermRefunded(
        term_id=refund.term_id,
        subscription_id=refund.subscription_id,
        customer=refund.customer,
        amount=answer.amount,
    )


@billing.on(AccessGranted)
async def begin_term(granted: AccessGranted, tx: Tx) -> None:
    """From now on the term runs, for as long as its plan says."""
    await tx.execute(sql.begin_term, granted.term_id)


@billing.every(timedelta(seconds=1))
async def renew(settings: Settings, tx: Tx) -> Sequence[OpenTerm]:  # noqa: ARG001 — the plan says when
    """Open the next term where the last one is over: a saga of its own, whose id follows from the subscription's."""
    over = await tx.fetch(sql.end_terms, AT_ONCE)
    return [
        OpenTerm(
            term=TermOpened(
                term_id=uuid5(row["subscription_id"], str(row["number"] + 1)),
                subscription_id=row["subscription_id"],
                number=row["number"] + 1,
                terms=row["terms"],
                customer=row["customer"],
                plan=row["plan"],
                card=row["card"],
            )
        )
        for row in over
    ]
