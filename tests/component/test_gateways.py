"""What every gateway must keep, tried on the simulated ones."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from events import Outcome
from infra.local.servers import Servers
from payment_service.gateway import Capture, Charged, Declined, PaymentGateway, Refund, Refunded, SimulatedGateway
from payment_service.handlers import payment
from saga import Pool
from saga.database import open_pool
from shipping_service.gateway import Book, Booked, CancelBooking, Carrier, NotServed, SimulatedCarrier
from shipping_service.handlers import shipping
from tests.builders import address, allocation
from tests.conftest import deployed


@pytest.fixture(scope="module")
async def books(servers: Servers) -> AsyncIterator[Pool]:
    async with deployed(servers, [payment]) as made:
        pool = await open_pool(made.database_url("payment"), size=3, application="test")
        yield pool
        await pool.close()


@pytest.fixture(scope="module")
async def bookings(servers: Servers) -> AsyncIterator[Pool]:
    async with deployed(servers, [shipping]) as made:
        pool = await open_pool(made.database_url("shipping"), size=3, application="test")
        yield pool
        await pool.close()


def capture(payment_method: str = "pm_card_visa") -> Capture:
    return Capture(
        order_id=uuid4(),
        amount=9980,
        currency="EUR",
        payment_method=payment_method,
        ship_to=address(),
        allocations=(allocation(),),
    )


async def test_the_same_key_is_charged_once_and_answered_alike(books: Pool) -> None:
    gateway: PaymentGateway = SimulatedGateway(books, latency=0, timeout_rate=0)
    asked, key = capture(), uuid4()
    answers = [await gateway.capture(asked, key) for _ in range(3)]
    assert len(set(answers)) == 1
    assert isinstance(answers[0], Charged)
    assert await books.fetchval("SELECT count(*) FROM gateway.charge WHERE idempotency_key = $1", key) == 1


async def test_a_lost_answer_does_not_lose_the_charge(books: Pool) -> None:
    """It acts, and then nobody hears of it; asked again under the same key, it says what it did."""
    asked, key = capture(), uuid4()
    with pytest.raises(TimeoutError):
        await SimulatedGateway(books, latency=0, timeout_rate=1).capture(asked, key)
    assert await books.fetchval("SELECT count(*) FROM gateway.charge WHERE idempotency_key = $1", key) == 1
    assert isinstance(await SimulatedGateway(books, latency=0, timeout_rate=0).capture(asked, key), Charged)


@pytest.mark.parametrize(
    ("payment_method", "reason"),
    [
        ("pm_card_chargeDeclined", "card_declined"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"),
    ],
)
async def test_a_declined_card_is_an_answer_that_stays(books: Pool, payment_method: str, reason: str) -> None:
    gateway = SimulatedGateway(books, latency=0, timeout_rate=0)
    asked, key = capture(payment_method), uuid4()
    answers = [await gateway.capture(asked, key) for _ in range(2)]
    assert [isinstance(answer, Declined) and answer.reason for answer in answers] == [reason, reason]


async def test_a_refund_goes_back_once_for_each_key(books: Pool) -> None:
    gateway = SimulatedGateway(books, latency=0, timeout_rate=0)
    asked = capture()
    charged = await gateway.capture(asked, uuid4())
    assert isinstance(charged, Charged)
    refund = Refund(
        order_id=asked.order_id,
        charge_id=charged.charge_id,
        payment_id="pay_1",
        amount=asked.amount,
        currency="EUR",
        outcome=Outcome.CANCELLED,
        reason="",
    )
    key = uuid4()
    assert [await gateway.refund(refund, key) for _ in range(2)] == [Refunded(9980)] * 2
    assert await books.fetchval("SELECT sum(amount) FROM gateway.refund WHERE idempotency_key = $1", key) == 9980


async def test_a_parcel_is_booked_once_for_each_warehouse_and_key(bookings: Pool) -> None:
    carrier: Carrier = SimulatedCarrier(bookings, latency=0, timeout_rate=0)
    allocations = (allocation("A", "berlin"), allocation("B", "berlin"), allocation("A", "leipzig"))
    book, key = Book(order_id=uuid4(), ship_to=address(), allocations=allocations), uuid4()
    answers = [await carrier.book(book, key) for _ in range(2)]
    assert answers[0] == answers[1]
    assert isinstance(answers[0], Booked)
    assert [parcel.warehouse for parcel in answers[0].parcels] == ["berlin", "leipzig"]


async def test_antarctica_is_not_served(bookings: Pool) -> None:
    carrier = SimulatedCarrier(bookings, latency=0, timeout_rate=0)
    book = Book(order_id=uuid4(), ship_to=address(country="AQ"), allocations=(allocation(),))
    assert isinstance(await carrier.book(book, uuid4()), NotServed)


async def test_a_cancelled_booking_stays_cancelled(bookings: Pool) -> None:
    carrier = SimulatedCarrier(bookings, latency=0, timeout_rate=0)
    order_id, key = uuid4(), uuid4()
    booked = await carrier.book(Book(order_id=order_id, ship_to=address(), allocations=(allocation(),)), key)
    assert isinstance(booked, Booked)
    for _ in range(2):
        await carrier.cancel(CancelBooking(order_id=order_id, parcels=booked.parcels, reason="x"), uuid4())
    await carrier.book(Book(order_id=order_id, ship_to=address(), allocations=(allocation(),)), key)
    tracking = booked.parcels[0].tracking
    assert await bookings.fetchval("SELECT cancelled FROM carrier.booking WHERE tracking = $1", tracking)
