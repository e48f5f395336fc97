"""The check proves what is sound, and tells what isn't by the shortest story in which it fails."""

from collections.abc import Sequence
from dataclasses import replace

from events import AboutOrder, Event
from examples import travel_booking
from examples.travel_booking.events import CarRefused, FlightCancelled
from examples.travel_booking.flights.handlers import flights
from examples.travel_booking.trips.handlers import trips
from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga import Command, Kind, Refusal, Service, Tx
from saga.checking import Report, check
from saga.declarations import Step
from shipping_service.handlers import shipping
from tests.unit.follower import follower

SERVICES = [order, inventory, payment, shipping]


def told(report: Report) -> str:
    return "\n".join(map(str, report.findings))


def test_the_order_saga_is_proven() -> None:
    report = check(SERVICES, repeats=1)
    assert report.proven, told(report)
    assert report.states > 250
    assert report.interventions == ["inventory.ReleaseStock", "payment.RefundPayment"]


def test_a_counterexample_is_the_shortest_story() -> None:
    """Nobody gives the stock back when the payment is declined."""
    (release,) = [step for step in inventory.steps.values() if step.undoes]
    report = with_steps(SERVICES, inventory, release_stock=replace(release, hears=release.hears[1:]))
    assert told(report).splitlines() == [
        "it has ended, payment.capture_payment has refused, and inventory.reserve_stock is done: nothing undoes it",
        "  1. somebody says order.placed.v1",
        "  2. inventory.reserve_stock hears order.placed.v1 and says stock.reserved.v1",
        "  3. payment.capture_payment hears stock.reserved.v1 and says payment.declined.v1",
    ]


class Begun(AboutOrder, Event, event_type="toy.begun.v1", exchange="toys"):
    pass


class Made(AboutOrder, Event, event_type="toy.made.v1", exchange="toys", final=True):
    pass


class Unmade(AboutOrder, Event, event_type="toy.unmade.v1", exchange="toys", final=True):
    pass


class Begin(AboutOrder, Command):
    pass


async def begin(_: Begin, __: Tx) -> Begun: ...  # type: ignore[empty-body] # only its annotations matter


async def make(_: Begun, __: Tx) -> Made | Unmade: ...  # type: ignore[empty-body] # see above


async def make_or_not(_: Begun, __: Tx) -> Made | None: ...


async def begin_again(_: Made, __: Tx) -> Begun: ...  # type: ignore[empty-body] # see above


async def give_up(_: Refusal, __: Tx) -> Unmade: ...  # type: ignore[empty-body] # see above


def toys(exchange: str = "toys") -> Service:
    service = Service("toys", exchange=exchange)
    service.on(Begin)(begin)
    return service


def test_an_event_that_is_declared_final_needs_no_hearer() -> None:
    service = toys()
    service.on(Begun, kind=Kind.PIVOT)(make)
    service.refuses(make)(give_up)
    assert check([service]).proven


def test_a_circle_is_told_as_it_goes_round() -> None:
    service = toys()
    service.on(Begun, kind=Kind.RETRIABLE)(make_or_not)
    service.on(Made, kind=Kind.RETRIABLE)(begin_again)
    circle = next(finding for finding in check([service]).findings if "circle" in finding.problem)
    assert sorted(circle.trace) == [
        "toys.begin_again hears toy.made.v1 of toys.make_or_not",
        "toys.make_or_not hears toy.begun.v1 of toys.begin_again",
    ]


def test_a_saga_whose_end_nobody_tells_is_found() -> None:
    service = toys()
    service.on(Begun, kind=Kind.RETRIABLE)(make_or_not)
    assert "it has ended, and nobody has said how" in told(check([service]))


def test_nobody_waits_for_a_step_that_says_nothing() -> None:
    """The last word is that of those who speak; yet the silent step is undone on every path that undoes the saga."""
    assert check([*SERVICES, follower], repeats=1).proven
    forgetful = replace(follower, steps={"take_note": follower.steps["take_note"]})
    assert "follower.take_note is done: nothing undoes it" in told(check([*SERVICES, forgetful], repeats=1))


def test_each_of_those_who_say_nothing_is_followed_for_itself() -> None:
    """So one more costs as much as the first, and none hides what is wrong with another."""
    one, two = [*SERVICES, follower], [*SERVICES, follower, replace(follower, name="second")]
    assert check(two, repeats=1).states == 2 * check(one, repeats=1).states
    forgetful = replace(follower, name="second", steps={"take_note": follower.steps["take_note"]})
    assert "second.take_note is done: nothing undoes it" in told(check([*one, forgetful], repeats=1))


def test_who_may_not_publish_there_is_named() -> None:
    assert "toys says toy.begun.v1 at the exchange 'toys', and may only publish to 'elsewhere'" in told(
        check([toys(exchange="elsewhere")])
    )


def with_steps(services: Sequence[Service], service: Service, **steps: Step) -> Report:
    """What the check says of these services, with some steps of one of them changed."""
    other = replace(service, steps=service.steps | steps)
    return check([other if each is service else each for each in services], repeats=1)


def test_a_step_that_hears_too_few_refusals_leaves_its_booking_behind() -> None:
    cancel = flights.steps["cancel_flight"]
    deaf = replace(cancel, hears=tuple(event for event in cancel.hears if event is not CarRefused))
    report = with_steps(travel_booking.SERVICES, flights, cancel_flight=deaf)
    assert "flights.book_flight" in told(report)
    assert "cars.book_car" in told(report)
    assert not report.proven


def test_a_join_that_waits_for_too_much_never_ends_its_saga() -> None:
    """Where nobody is told that a cancelled flight is as good as a refused one, the trip has no end."""
    close = trips.steps["close_trip"]
    strict = [tuple(event for event in place if event is not FlightCancelled) for place in close.joins]
    impatient = replace(close, joins=tuple(strict), hears=tuple(event for place in strict for event in place))
    report = with_steps(travel_booking.SERVICES, trips, close_trip=impatient)
    assert "flight.cancelled.v1, which flights.cancel_flight says, is heard by nobody" in told(report)
    assert "it has ended" in told(report)


def test_a_join_that_waits_for_too_little_is_done_before_everybody_is() -> None:
    """It would confirm a trip that has no car."""
    confirm, close = trips.steps["confirm_trip"], trips.steps["close_trip"]
    hasty = replace(confirm, joins=confirm.joins[:2], hears=confirm.hears[:2])
    report = with_steps(travel_booking.SERVICES, trips, confirm_trip=hasty, close_trip=replace(close, undoes=hasty))
    assert "car.booked.v1, which cars.book_car says, is heard by nobody" in told(report)
