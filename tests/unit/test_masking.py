"""What the observer shows of an event's data."""

from collections.abc import Mapping
from typing import Annotated, Any

import pytest

from events import AboutOrder, Address, Event, OrderPlaced, PaymentRefunded
from events.values import PERSONAL
from examples.bank_transfer.events import MoneyDebited, TransferOrdered
from examples.subscription.events import TermOpened
from examples.travel_booking.events import TripRequested
from observer_service.masking import MASKED, Masking
from tests.unit.wire import order, order_line, ship_to

masking = Masking([OrderPlaced, PaymentRefunded, TermOpened, TripRequested, TransferOrdered, MoneyDebited])


def placed(**changes: object) -> Mapping[str, Any]:
    shown: Mapping[str, Any] = masking.shown(OrderPlaced.event_type, order(**changes))
    return shown


def test_what_is_declared_is_shown_but_for_what_is_personal() -> None:
    shown = placed()
    assert (shown["currency"], shown["lines"]) == ("EUR", [order_line()])
    assert shown["customer_id"] == shown["payment_method"] == MASKED
    assert shown["ship_to"] == dict.fromkeys([*ship_to(), "postal_code"], MASKED) | {"country": "GB"}


def test_what_nobody_declares_is_masked() -> None:
    assert placed(note="for Ada")["note"] == MASKED
    assert masking.shown("order.plcaed.v1", order()) == MASKED


@pytest.mark.parametrize("field", ["ship_to", "lines", "fulfil_within", "order_id"])
@pytest.mark.parametrize("told", ["Ada Lovelace", ["Ada Lovelace"], {"name": "Ada Lovelace"}, [["Ada Lovelace"]]])
def test_what_is_not_of_its_declared_type_is_masked(field: str, told: object) -> None:
    """It may be anything. Only words may stand where words are declared."""
    shown = placed(**{field: told})[field]
    assert ("Ada" in str(shown)) == (field == "order_id" and told == "Ada Lovelace")


@pytest.mark.parametrize("currency", ["EUR", None])
def test_any_of_several_declared_types_is_shown(currency: str | None) -> None:
    assert masking.shown(PaymentRefunded.event_type, {"currency": currency}) == {"currency": currency}


class Optional(AboutOrder, Event, event_type="toy.optional.v1", exchange="toys"):
    nickname: Annotated[str, PERSONAL] | None
    marks: list[int] | None
    ship_to: Address | None


def test_what_may_be_left_out_is_shown_and_masked_as_what_has_to_be_there() -> None:
    told = {"nickname": "Ada", "marks": [1, "Ada"], "ship_to": ship_to(), "order_id": None}
    shown = Masking([Optional]).shown("toy.optional.v1", told)
    assert (shown["nickname"], shown["marks"], shown["order_id"]) == (MASKED, [1, MASKED], MASKED)
    assert (shown["ship_to"]["name"], shown["ship_to"]["country"]) == (MASKED, "GB")
    assert Masking([Optional]).shown("toy.optional.v1", {"nickname": None, "marks": None}) == {
        "nickname": None,
        "marks": None,
    }


@pytest.mark.parametrize(
    ("event", "personal"),
    [
        (TermOpened, {"customer", "card"}),
        (TripRequested, {"traveller"}),
        (TransferOrdered, {"sender", "recipient"}),
        (MoneyDebited, {"recipient"}),
    ],
)
def test_the_examples_tell_nothing_of_a_person(event: Any, personal: set[str]) -> None:
    shown = masking.shown(event.event_type, dict.fromkeys(event.model_fields, "Ada Lovelace"))
    assert {field for field in personal if shown[field] == MASKED} == personal
