"""Payment's part in the saga. It never waits for the gateway: the answer is a step of its own."""

from collections.abc import Sequence
from uuid import UUID

from events import (
    AboutOrder,
    PaymentCaptured,
    PaymentDeclined,
    PaymentRefunded,
    ShipmentCancelled,
    ShipmentDispatched,
    ShipmentRejected,
    StockReserved,
)
from payment_service import domain, store
from payment_service.gateway import Capture, Charged, Declined, Refund, Refunded
from payment_service.laws import LAWS
from saga import Intervention, Refusal, Service, Tx

payment = Service("payment", laws=LAWS, forget=store.sql.forget)


class RefundPayment(AboutOrder, Intervention):
    """Somebody at the API wants the order's money back."""


@payment.on(StockReserved)
async def capture_payment(reserved: Sequence[StockReserved], tx: Tx) -> Sequence[Capture]:
    """Have the gateway take the order's money."""
    await store.open_payments(tx, reserved)
    return [
        Capture(
            order_id=event.order_id,
            amount=event.amount,
            currency=event.currency,
            payment_method=event.payment_method,
            ship_to=event.ship_to,
            allocations=event.allocations,
        )
        for event in reserved
    ]


@payment.settles(Capture)
async def record_capture(
    captures: Sequence[Capture], answers: Sequence[Charged | Declined], tx: Tx
) -> Sequence[PaymentCaptured | PaymentDeclined]:
    """The money is ours, or the gateway refused."""
    payment_ids = await store.record_answers(tx, captures, answers)
    return [
        PaymentDeclined(order_id=capture.order_id, reason=answer.reason, detail=answer.detail)
        if isinstance(answer, Declined)
        else PaymentCaptured(
            order_id=capture.order_id,
            payment_id=payment_ids[capture.order_id],
            amount=capture.amount,
            currency=capture.currency,
            ship_to=capture.ship_to,
            allocations=capture.allocations,
        )
        for capture, answer in zip(captures, answers, strict=True)
    ]


@payment.refuses(capture_payment)
async def refuse_payment(refusal: Refusal, tx: Tx) -> PaymentDeclined:
    """No money is taken for the order: a person has decided so."""
    order_id = UUID(refusal.saga)
    await store.record_refused(tx, order_id, refusal.reason)
    return PaymentDeclined(order_id=order_id, reason=refusal.reason, detail=refusal.detail)


@payment.on(ShipmentRejected, ShipmentCancelled, RefundPayment, undoes=capture_payment)
async def refund_payment(
    lost: ShipmentRejected | ShipmentCancelled | RefundPayment, tx: Tx
) -> Refund | PaymentRefunded:
    """Have the gateway give back what was captured, which may be nothing."""
    outcome, reason = domain.why(lost)
    captured = await store.lock(tx, lost.order_id)
    if captured is None or captured.charge_id is None:
        return PaymentRefunded(order_id=lost.order_id, amount=0, outcome=outcome, reason=reason)
    await store.begin_refund(tx, lost.order_id)
    return Refund(
        order_id=lost.order_id,
        charge_id=captured.charge_id,
        payment_id=captured.payment_id,
        amount=captured.captured,
        currency=captured.currency,
        outcome=outcome,
        reason=reason,
    )


@payment.settles(Refund)
async def record_refund(refund: Refund, answer: Refunded, tx: Tx) -> PaymentRefunded:
    """The money has gone back."""
    await store.record_refunded(tx, refund.order_id, answer.amount)
    return PaymentRefunded(
        order_id=refund.order_id,
        payment_id=refund.payment_id,
        amount=answer.amount,
        currency=refund.currency,
        outcome=refund.outcome,
        reason=refund.reason,
    )


@payment.on(ShipmentDispatched)
async def close_payment(left: Sequence[ShipmentDispatched], tx: Tx) -> None:
    """The order can no longer be undone: its payment may be forgotten in time."""
    await store.close(tx, (event.order_id for event in left))
