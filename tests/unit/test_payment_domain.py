"""Why an order's money goes back is told on, so that the order's status can say it."""

import pytest

from events import Message, Outcome
from payment_service.domain import why
from payment_service.handlers import RefundPayment
from tests.builders import order_placed, shipment_cancelled, shipment_rejected


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (shipment_rejected(reason="destination_not_served"), (Outcome.REJECTED, "destination_not_served")),
        (shipment_cancelled(reason="changed_my_mind"), (Outcome.CANCELLED, "changed_my_mind")),
        (
            RefundPayment(order_id=order_placed().order_id),
            (Outcome.CANCELLED, "refunded at payment's own door"),
        ),
    ],
    ids=["shipping refused", "somebody cancelled", "somebody at the API"],
)
def test_an_order_is_rejected_if_shipping_refused_it_and_cancelled_otherwise(
    lost: Message, expected: tuple[Outcome, str]
) -> None:
    assert why(lost) == expected
