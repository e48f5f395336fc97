"""Access's part: it lets in who has paid, unless the plan is full, and nobody else."""

from uuid import UUID

from examples.subscription.events import AccessEnded, AccessGranted, AccessRefused, TermDeclined, TermPaid
from saga import Book, Kind, Law, Laws, Refusal, Service, Tx, queries

sql = queries(__file__)

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("access", keeper="access", entries=sql.granted, unknown="no"),
        Law("nobody is let in for a term that ended without a payment", breaches=sql.let_in_for_nothing),
    ),
)
access = Service("access", package=__package__, laws=LAWS)


@access.on(TermPaid, kind=Kind.PIVOT)
async def grant_access(paid: TermPaid, tx: Tx) -> AccessGranted | AccessRefused:
    """Let the customer in. Whoever was in can't be made not to have been, so from here on it only goes forward."""
    about = {"term_id": paid.term_id, "subscription_id": paid.subscription_id, "customer": paid.customer}
    if not await tx.fetchval(sql.grant, paid.term_id, paid.subscription_id, paid.plan):
        return AccessRefused(**about, reason="plan_full")
    return AccessGranted(**about)


@access.refuses(grant_access)
async def refuse_access(refusal: Refusal, tx: Tx) -> AccessRefused:  # noqa: ARG001 — nobody was let in
    """A person has decided that this customer stays outside."""
    saga = UUID(refusal.saga)
    return AccessRefused(
        term_id=saga, subscription_id=saga, customer="unknown", reason=refusal.reason, detail=refusal.detail
    )


@access.on(TermDeclined, kind=Kind.RETRIABLE)
async def end_access(declined: TermDeclined, tx: Tx) -> AccessEnded:
    """Shut the door on a subscription that isn't paid for any more; it may never have been open."""
    await tx.execute(sql.end_access, declined.subscription_id)
    return AccessEnded(term_id=declined.term_id, subscription_id=declined.subscription_id, customer=declined.customer)
