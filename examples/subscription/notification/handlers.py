"""Notification's part: retriable, every bit of it. It can't refuse, and nothing of it is ever undone."""

from examples.subscription.events import AboutTerm, AccessEnded, AccessGranted, CustomerNotified, TermRefunded
from examples.subscription.notification.gateway import Send, Sent
from saga import Kind, Law, Laws, Service, Tx, queries

sql = queries(__file__)

LAWS = Laws(
    sagas=sql.sagas,
    rules=(Law("nobody gets the same mail twice", breaches=sql.sent_twice),),
)
notification = Service("notification", package=__package__, laws=LAWS)


@notification.on(AccessGranted, kind=Kind.RETRIABLE)
async def say_welcome(granted: AccessGranted, tx: Tx) -> Send:  # noqa: ARG001 — a mail is all there is
    """Welcome whoever was let in."""
    return _mail(granted, "Welcome")


@notification.on(AccessEnded, kind=Kind.RETRIABLE)
async def say_goodbye(ended: AccessEnded, tx: Tx) -> Send:  # noqa: ARG001 — see above
    """Tell whoever isn't let in any more why."""
    return _mail(ended, "Your card was declined")


@notification.on(TermRefunded, kind=Kind.RETRIABLE)
async def say_sorry(refunded: TermRefunded, tx: Tx) -> Send:  # noqa: ARG001 — see above
    """Tell whoever couldn't be let in that the money is back."""
    return _mail(refunded, "There was no place left, and you have your money back")


@notification.settles(Send)
async def record_mail(send: Send, answer: Sent, tx: Tx) -> CustomerNotified:  # noqa: ARG001 — see above
    return CustomerNotified(term_id=send.term_id, subscription_id=send.subscription_id, customer=send.customer)


def _mail(about: AboutTerm, subject: str) -> Send:
    return Send(term_id=about.term_id, subscription_id=about.subscription_id, customer=about.customer, subject=subject)
