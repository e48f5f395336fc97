"""The check proves the order saga, and misses nothing that is taken out of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import pytest

from events import AboutOrder, Event
from examples import travel_booking
from examples.travel_booking.events import CarRefused, FlightCancelled
from examples.travel_booking.flights.handlers import flights
from examples.travel_booking.trips.handlers import trips
from inventory_service.handlers import inventory
from order_service.handlers import order
from payment_service.handlers import payment
from saga import Call, Command, Kind, Refusal, Service, Tx
from saga.checking import Report, check
from saga.declarations import Refusing, Settlement, Step, kind_of
from saga.messages import wire_name
from shipping_service.handlers import shipping
from tests.unit.follower import follower

SERVICES = [order, inventory, payment, shipping]
Declared = Step | Settlement | Refusing


class Mutant(NamedTuple):
    """The order saga without something, and names of which the check has to tell one."""

    name: str
    services: Sequence[Service]
    clues: set[str]


def declarations() -> Iterator[tuple[Service, Declared]]:
    for service in SERVICES:
        yield from ((service, step) for step in service.steps.values())
        yield from ((service, settlement) for settlement in service.settlements.values())
        yield from ((service, refusing) for refusing in service.refusals.values())


def changed(service: Service, old: Declared, new: Declared | None) -> list[Service]:
    """The services, with one declaration changed or gone."""
    match old:
        case Step():
            steps = {name: new if step is old else step for name, step in service.steps.items()}
            other = _unbound(replace(service, steps={n: s for n, s in steps.items() if isinstance(s, Step)}))
        case Settlement():
            settlements = {call: new if s is old else s for call, s in service.settlements.items()}
            other = replace(service, settlements={c: s for c, s in settlements.items() if isinstance(s, Settlement)})
        case Refusing():
            refusals = {step: new if r is old else r for step, r in service.refusals.items()}
            other = replace(service, refusals={n: r for n, r in refusals.items() if isinstance(r, Refusing)})
    return [other if each is service else each for each in SERVICES]


def _unbound(service: Service) -> Service:
    """Without what names a step that is gone: no interpreter would import that."""
    kept = {step.name for step in service.steps.values()}
    steps = {
        name: replace(
            step,
            undoes=step.undoes if step.undoes and step.undoes.name in kept else None,
            too_late=step.too_late if step.undoes and step.undoes.name in kept else None,
            after=step.after if step.after and step.after.name in kept else None,
        )
        for name, step in service.steps.items()
    }
    return replace(service, steps=steps, refusals={n: r for n, r in service.refusals.items() if n in kept})


def as_declared(step: Step, answers: frozenset[type[Event | Call]], undoes: Step | None) -> Step:
    """As its decorator would have declared it with these: its kind follows from them, unless it was told."""
    undone = any(other.undoes and other.undoes.name == step.name for s in SERVICES for other in s.steps.values())
    told = undone or step.kind is not kind_of(step.hears, step.answers, step.undoes)
    kind = step.kind if told else kind_of(step.hears, answers, undoes)
    too_late = step.too_late if undoes and step.too_late in answers else None
    return replace(step, answers=answers, undoes=undoes, too_late=too_late, kind=kind)


def deleted_handlers() -> Iterator[Mutant]:
    for service, declared in declarations():
        clues = (
            {wire_name(declared.call)} if isinstance(declared, Settlement) else set(map(wire_name, declared.answers))
        )
        clues = clues or {service.name, *(wire_name(heard) for heard in getattr(declared, "hears", ()))}
        yield Mutant(f"{service.name}.{declared.name}", changed(service, declared, None), clues)


def deleted_undoes() -> Iterator[Mutant]:
    for service, step in declarations():
        if isinstance(step, Step) and step.undoes:
            other = changed(service, step, as_declared(step, step.answers, None))
            yield Mutant(f"{step.name} undoes nothing", other, {f"no step undoes {service.name}.{step.undoes.name}"})


def deleted_answers() -> Iterator[Mutant]:
    for service, declared in declarations():
        for answer in sorted(declared.answers, key=wire_name):
            left = declared.answers - {answer}
            if isinstance(declared, Step):
                less: Declared = as_declared(declared, left, declared.undoes)
            else:
                less = replace(declared, answers=left)  # type: ignore[arg-type] # a part of what it had
            clues = {wire_name(answer), *ids(service, declared)}
            yield Mutant(f"{declared.name} without {answer.__name__}", changed(service, declared, less), clues)


def ids(service: Service, declared: Declared) -> set[str]:
    """The step that it is, or those that ask for what it settles."""
    asking = {
        step.name
        for step in service.steps.values()
        if isinstance(declared, Settlement) and declared.call in step.answers
    }
    return {f"{service.name}.{name}" for name in asking or {declared.name}}


MUTANTS = list(chain(deleted_handlers(), deleted_undoes(), deleted_answers()))


def told(report: Report) -> str:
    return "\n".join(map(str, report.findings))


def test_the_order_saga_is_proven() -> None:
    report = check(SERVICES, repeats=1)
    assert report.proven, told(report)
    assert report.states > 250
    assert report.interventions == ["inventory.ReleaseStock", "payment.RefundPayment"]


def test_every_handler_undo_and_answer_is_taken_out_once() -> None:
    answers = sum(len(declared.answers) for _, declared in declarations())
    assert len(MUTANTS) == len(list(declarations())) + 3 + answers
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_what_is_taken_out_is_missed_and_named(mutant: Mutant) -> None:
    report = check(mutant.services, repeats=1)
    assert not report.proven
    assert any(clue in told(report) for clue in mutant.clues), told(report)


def test_a_counterexample_is_the_shortest_story() -> None:
    """Nobody gives the stock back when the payment is declined."""
    (release,) = [step for step in inventory.steps.values() if step.undoes]
    report = check(changed(inventory, release, replace(release, hears=release.hears[1:])), repeats=1)
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


def trips_with(service: Service, **steps: Step | None) -> Report:
    """What the check says of the trips, with these steps of one service changed, or gone."""
    changed_steps = {name: steps.get(name, step) for name, step in service.steps.items()}
    other = replace(service, steps={name: step for name, step in changed_steps.items() if step})
    return check([other if each is service else each for each in travel_booking.SERVICES])


def test_a_step_that_hears_too_few_refusals_leaves_its_booking_behind() -> None:
    cancel = flights.steps["cancel_flight"]
    deaf = replace(cancel, hears=tuple(event for event in cancel.hears if event is not CarRefused))
    report = trips_with(flights, cancel_flight=deaf)
    assert "flights.book_flight" in told(report)
    assert "cars.book_car" in told(report)
    assert not report.proven


def test_a_join_that_waits_for_too_much_never_ends_its_saga() -> None:
    """Where nobody is told that a cancelled flight is as good as a refused one, the trip has no end."""
    close = trips.steps["close_trip"]
    strict = [tuple(event for event in place if event is not FlightCancelled) for place in close.joins]
    impatient = replace(close, joins=tuple(strict), hears=tuple(event for place in strict for event in place))
    report = trips_with(trips, close_trip=impatient)
    assert "flight.cancelled.v1, which flights.cancel_flight says, is heard by nobody" in told(report)
    assert "it has ended" in told(report)


def test_a_join_that_waits_for_too_little_is_done_before_everybody_is() -> None:
    """It would confirm a trip that has no car."""
    confirm, close = trips.steps["confirm_trip"], trips.steps["close_trip"]
    hasty = replace(confirm, joins=confirm.joins[:2], hears=confirm.hears[:2])
    report = trips_with(trips, confirm_trip=hasty, close_trip=replace(close, undoes=hasty))
    assert "car.booked.v1, which cars.book_car says, is heard by nobody" in told(report)
