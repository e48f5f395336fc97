"""What a service has written of a message, whichever of its processes reads it back."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import pytest
from hypothesis import given
from pydantic import Field

from events import AboutOrder, Envelope, Event, Message, Outcome
from inventory_service.handlers import ReleaseStock, inventory
from payment_service.gateway import Capture
from payment_service.handlers import payment
from saga import written
from saga.testing import enveloped
from tests.builders import order_placed
from tests.unit import strategies


class Strict(AboutOrder, Event, event_type="toy.strict.v1", exchange="toys"):
    """In JSON all of these are texts or lists."""

    at: Annotated[datetime, Field(strict=True)]
    outcome: Annotated[Outcome, Field(strict=True)]
    parts: Annotated[tuple[int, ...], Field(strict=True)]


@given(strategies.any_event)
def test_an_event_in_its_envelope_is_read_back_whole(said: Event) -> None:
    noted = enveloped(said)
    assert written.envelope(written.by_name(strategies.EVENTS), written.text(noted)) == noted
    assert written.envelope(written.by_name(strategies.EVENTS), noted.encode()) == noted


def test_a_field_that_is_strict_is_read_as_the_json_that_it_was_written_as() -> None:
    strict = Strict(order_id=uuid4(), at=datetime.now(UTC), outcome=Outcome.REJECTED, parts=(1, 2))
    known = written.by_name([Strict])
    assert written.message(known, "toy.strict.v1", strict.model_dump_json()) == strict
    assert written.envelope(known, written.text(enveloped(strict))).data == strict


def test_a_command_is_written_under_the_name_of_its_class() -> None:
    command = ReleaseStock(order_id=uuid4())
    about: Envelope[Message] = enveloped(order_placed(order_id=command.order_id))
    asked = replace(about, type="ReleaseStock", data=command)
    known = written.by_name(inventory.steps["release_stock"].hears)
    assert written.envelope(known, written.text(asked)) == asked


def test_what_another_version_wrote_is_refused() -> None:
    known = written.by_name(payment.settlements)
    with pytest.raises(KeyError):
        written.message(known, "Invoice", "{}")
    with pytest.raises(ValueError, match="order_id"):
        written.message(known, Capture.__name__, "{}")
