"""From when on, by whom, and what a restored service holds back."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from saga.cli.retell import moment, named
from saga.errors import CannotStart
from tests.order_saga import ORDER_SAGA


@pytest.mark.parametrize(
    ("text", "ago"), [("90m", timedelta(minutes=90)), ("2d", timedelta(days=2)), ("0s", timedelta(0))]
)
def test_a_duration_is_so_long_ago(text: str, ago: timedelta) -> None:
    before = datetime.now(UTC) - ago
    assert before <= moment(text) <= datetime.now(UTC) - ago


@pytest.mark.parametrize("text", ["2026-11-22T14:30:00+00:00", "2026-11-22T14:30Z", "2026-11-22 16:30+02:00"])
def test_a_time_is_that_time(text: str) -> None:
    assert moment(text) == datetime(2026, 11, 22, 14, 30, tzinfo=UTC)


def test_a_time_without_a_zone_is_where_the_operator_is() -> None:
    assert moment("2026-11-22T14:30") == datetime(2026, 11, 22, 14, 30).astimezone()


@pytest.mark.parametrize("text", ["", "yesterday", "-5m", "90", "99999999999d", "3000000d", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no time: say 90m, 2d or"):
        moment(text)


def test_services_are_chosen_by_their_names() -> None:
    """All of them, if none is named."""
    assert named(ORDER_SAGA, ()) == list(ORDER_SAGA)
    assert [service.name for service in named(ORDER_SAGA, ["shipping", "order"])] == ["shipping", "order"]
    with pytest.raises(CannotStart, match="there is no service 'shop' here: choose of inventory, order, payment"):
        named(ORDER_SAGA, ["payment", "shop"])


def test_what_goes_by_earlier_steps_follows_them() -> None:
    """Who does nothing that could be undone has nothing to wait for."""
    assert {service.name: [step.name for step in service.followers] for service in ORDER_SAGA} == {
        "order": [],
        "inventory": ["release_stock", "deduct_stock"],
        "payment": ["refund_payment", "close_payment"],
        "shipping": ["dispatch_shipment", "cancel_shipment"],
    }
