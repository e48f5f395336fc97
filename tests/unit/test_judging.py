"""How a step stands by its fence and by what was said: the judge of explored schedules, without any database."""

from dataclasses import replace

import pytest

from events import Envelope, Event, Message
from order_service.handlers import order
from saga.checking.actors import Actor
from saga.checking.states import Stand
from saga.exploring.judge import Judge, _has_refused
from saga.exploring.scenario import Scenario
from saga.messages import Kind
from saga.testing import enveloped
from tests.builders import order_placed, stock_rejected, stock_reserved


def step(name: str, hears: str, **told: object) -> Actor:
    usual = {
        "service": "inventory",
        "kind": Kind.COMPENSATABLE,
        "answers": frozenset({"stock.reserved.v1", "stock.rejected.v1"}),
        "outcomes": frozenset(),
        "refusals": frozenset({"stock.rejected.v1"}),
        "commands": frozenset(),
        "undoes": None,
        "after": None,
        "too_late": None,
        "forgetful": False,
        "joins": (),
    }
    return Actor(name=name, hears=frozenset({hears}), **usual | told)  # type: ignore[arg-type] # as named above


def said(event: Event, cause: Envelope[Message] | None = None, source: str = "inventory") -> Envelope[Message]:
    return replace(enveloped(event, source=source), causationid=cause.id if cause else None)


def test_of_two_steps_that_refuse_alike_each_has_its_own_cause() -> None:
    """Else what the other one has done, and nobody undoes, would count as refused."""
    placed, reserved = said(order_placed(), source="order"), said(stock_reserved())
    one, other = step("one", "order.placed.v1"), step("other", "stock.reserved.v1")
    messages = [placed, reserved, said(stock_rejected(), cause=reserved)]
    assert [_has_refused(each, messages) for each in (one, other)] == [False, True]


def test_what_another_service_refuses_with_is_not_its_own() -> None:
    placed = said(order_placed(), source="order")
    messages = [placed, said(stock_rejected(), cause=placed, source="elsewhere")]
    assert not _has_refused(step("one", "order.placed.v1"), messages)


@pytest.mark.parametrize(
    ("event", "stand"), [("toy.late.v1", Stand.KEPT), ("toy.later.v1", Stand.KEPT), ("", Stand.UNDONE)]
)
def test_each_of_several_undos_may_have_come_too_late(event: str, stand: Stand) -> None:
    judge = Judge(Scenario([order], {}))
    judge._too_late["inventory.one"] = {"toy.late.v1", "toy.later.v1", None}
    told = said(stock_reserved())
    messages = [replace(told, type=event)] if event else []
    assert judge._stand(step("one", "order.placed.v1"), Stand.UNDONE, messages) is stand
