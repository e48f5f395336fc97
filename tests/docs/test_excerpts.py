"""Every excerpt is Python that the type checker accepts, with what surrounds it where it was taken from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, Kind, blocks_of
from tests.docs.participant import assemble

SURROUNDINGS = {
    'class PointsGiven(AboutOrder, Event, event_type="points.given.v1", exchange="loyalty"):': """
from events import AboutOrder, Event
""",
    "class ReleaseStock(AboutOrder, Command):": """
from uuid import UUID
from fastapi import APIRouter
from events import AboutOrder
from inventory_service.store import Reservation
from saga import Command, Door
router = APIRouter()
""",
    "class Capture(AboutOrder, Call):": """
from events import AboutOrder, PaymentCaptured, PaymentDeclined, StockReserved
from payment_service.gateway import Charged, Declined
from saga import Call, Service, Tx
payment = Service("payment")
""",
    "@trips.join(FlightBooked, HotelBooked, CarBooked)": """
from examples.travel_booking.events import CarBooked, FlightBooked, HotelBooked, TripConfirmed
from saga import Service, Tx
trips = Service("trips")
""",
    "@payment.refuses(capture_payment)": """
from uuid import UUID
from events import PaymentDeclined
from payment_service import store
from payment_service.handlers import capture_payment, payment
from saga import Refusal, Tx
""",
    "@order.every(timedelta(seconds=1))": """
from collections.abc import Sequence
from datetime import timedelta
from order_service import store
from order_service.handlers import DEADLINE_EXCEEDED, LATE_AT_ONCE, CancelOrder, order
from order_service.settings import OrderSettings
from saga import Tx
""",
    'loyalty = Service("loyalty", forget=sql.forget)': """
from saga import Service, queries
sql = queries(__file__)
""",
    "@loyalty.on(ShipmentDispatched)": """
from events import ShipmentDispatched
from saga import Service, Tx
loyalty = Service("loyalty")
""",
    "name: Annotated[Text, PERSONAL]": """
from typing import Annotated
from events.values import PERSONAL, Text
""",
}
"""By an excerpt's first line: what a reader of the page knows, or finds in the code."""
LEFT_OUT = ("--disable-error-code=empty-body", "--disable-error-code=return")
"""Bodies, and the ends of functions, are not the excerpt's point."""


@pytest.mark.timeout(300)
def test_the_type_checker_accepts_every_excerpt_and_the_tutorials_participant(tmp_path: Path) -> None:
    files = assemble(tmp_path)
    for number, block in enumerate(blocks_of(Kind.EXCERPT)):
        file = tmp_path / f"excerpt_{number}.py"
        file.write_text(f"# {block}\n{SURROUNDINGS.get(block.first_line, '')}{block.text}", encoding="utf-8")
        files.append(file)
    checked = subprocess.run(  # noqa: S603 — on files of ours
        [sys.executable, "-m", "mypy", *LEFT_OUT, *map(str, files)],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_nothing_surrounds_an_excerpt_that_is_gone() -> None:
    assert SURROUNDINGS.keys() <= {block.first_line for block in blocks_of(Kind.EXCERPT)}
