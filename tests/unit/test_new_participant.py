"""What `saga new` refuses, before anything is written, and what it changes outside the participant's folder."""

import json
import re
import shutil
import tomllib
from collections.abc import Sequence
from difflib import ndiff
from pathlib import Path
from typing import Any

import pytest
import yaml

from events import OrderPlaced, ShipmentCancelled, ShipmentScheduled, StockRejected, StockReleased
from infra.new.command import ROOT
from infra.new.errors import CannotHear, CannotMake, NameTaken, NobodySays, NoName, NotHere, Unproven
from infra.new.facts import choose
from infra.new.making import make
from infra.new.names import MOST
from infra.new.participant import Participant
from infra.new.places import edited
from infra.new.rendering import rendered
from tests.order_saga import ORDER_SAGA

PLACES = ("pyproject.toml", "compose.yaml", "infra/prometheus/prometheus.yml")
SCHEDULED = "shipment.scheduled.v1"
SEXTANT = Participant("sextant", ShipmentScheduled, (ShipmentCancelled,))
POCKET_DIAL = Participant("pocket_dial", OrderPlaced, (StockReleased, StockRejected))
"""Names that nobody has given to a participant here."""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that name services, and we stand beside them."""
    for place in PLACES:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / place, tmp_path / place)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(checkout: Path, name: str, hears: str = SCHEDULED, undone_by: Sequence[str] = ()) -> CannotMake:
    """Why it isn't made; nothing was written."""
    before = contents(checkout)
    with pytest.raises(CannotMake) as refused:
        make(checkout, name, hears, undone_by, print)
    assert contents(checkout) == before
    return refused.value


def contents(folder: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "small letters"),
        ("Loyalty", "small letters"),
        ("gift-card", "small letters"),
        ("gift__card", "small letters"),
        ("_gift", "small letters"),
        ("2nd", "small letters"),
        ("gift.card", "small letters"),
        ("../gift", "small letters"),
        ("gift\n", "small letters"),
        ("käse", "small letters"),
        ("sextant_service", "so say sextant"),
        ("s" * (MOST + 1), "33 letters"),
        ("class", "Python"),
        ("match", "Python"),
        ("list", "Python"),
        ("sql", "the code that is made"),
        ("scheduled", "the code that is made"),
        ("stage", "the code that is made"),
    ],
)
def test_a_name_that_does_not_do_is_refused(checkout: Path, name: str, why: str) -> None:
    refused = refusal(checkout, name)
    assert isinstance(refused, NoName)
    assert repr(name) in str(refused)
    assert why in str(refused)


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("payment", "a service"),
        ("observer", "a service"),
        ("orders", "the exchange of order"),
        ("unrouted", "an exchange or a queue"),
        ("publisher", "a user"),
        ("postgres", "a user or a database"),
        ("token", "endpoints.json"),
        ("prometheus", "a container"),
    ],
)
def test_a_name_that_is_taken_is_refused(checkout: Path, name: str, by: str) -> None:
    refused = refusal(checkout, name)
    assert isinstance(refused, NameTaken)
    assert by in str(refused)


@pytest.mark.parametrize("taken", ["sextant_service", "tests/component/test_sextant.py"])
def test_what_is_there_is_not_overwritten(checkout: Path, taken: str) -> None:
    (checkout / taken).mkdir(parents=True)
    refused = refusal(checkout, "sextant")
    assert isinstance(refused, NameTaken)
    assert taken in str(refused)


def test_who_stands_elsewhere_is_told_where_to_stand(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    refused = refusal(checkout, "sextant")
    assert isinstance(refused, NotHere)
    assert str(refused).endswith(f"stand in {checkout}")


def test_an_installation_that_is_no_checkout_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    refused = refusal(tmp_path, "sextant")
    assert isinstance(refused, NotHere)
    assert "make install" in str(refused)


def test_an_event_that_nobody_says_is_refused_with_those_that_are_said(checkout: Path) -> None:
    refused = refusal(checkout, "sextant", "shipment.schedule.v1")
    assert isinstance(refused, NobodySays)
    assert f"did you mean {SCHEDULED}?" in str(refused)
    assert "order.placed.v1, payment.captured.v1" in str(refused)
    assert isinstance(refusal(checkout, "sextant", SCHEDULED, ["nothing"]), NobodySays)


@pytest.mark.parametrize(
    ("hears", "undone_by", "why"),
    [
        ("stock.released.v1", [], "where a saga is undone"),
        ("payment.declined.v1", [], "where a saga is undone"),
        ("order.cancelled.v1", [], "where a saga is undone"),
        ("shipment.dispatched.v1", [], "after the pivot"),
        ("stock.deducted.v1", ["stock.released.v1"], "after the pivot"),
        ("order.placed.v1", [], "--undone-by"),
        (SCHEDULED, [SCHEDULED], "can't undo it"),
    ],
)
def test_an_event_with_which_no_undoable_step_begins_is_refused(
    checkout: Path, hears: str, undone_by: list[str], why: str
) -> None:
    refused = refusal(checkout, "sextant", hears, undone_by)
    assert isinstance(refused, CannotHear)
    assert why in str(refused)


@pytest.mark.parametrize(
    ("hears", "undone_by", "finding"),
    [
        (SCHEDULED, "order.cancelled.v1", "the pivot shipping.dispatch_shipment has passed"),
        (SCHEDULED, "stock.rejected.v1", "sextant.record_sextant is done: nothing undoes it"),
        ("order.placed.v1", "stock.released.v1", "sextant.record_sextant is done: nothing undoes it"),
    ],
)
def test_what_would_leave_something_done_is_refused_with_the_story(
    checkout: Path, hears: str, undone_by: str, finding: str
) -> None:
    refused = refusal(checkout, "sextant", hears, [undone_by])
    assert isinstance(refused, Unproven)
    assert finding in str(refused)
    assert "  1. somebody " in str(refused)


@pytest.mark.parametrize(
    ("hears", "undo"),
    [
        (SCHEDULED, "shipment.cancelled.v1"),
        ("payment.captured.v1", "payment.refunded.v1"),
        ("stock.reserved.v1", "stock.released.v1"),
    ],
)
def test_it_is_undone_by_what_tells_of_the_undo_of_what_it_hears(hears: str, undo: str) -> None:
    """Unless it is told otherwise."""
    chosen = choose(ORDER_SAGA, "sextant", hears)
    assert (chosen.hears.event_type, [event.event_type for event in chosen.undone_by]) == (hears, [undo])


def test_several_events_may_undo_it() -> None:
    chosen = choose(ORDER_SAGA, "sextant", "order.placed.v1", ["stock.released.v1", "stock.rejected.v1"])
    assert chosen.undone_by == (StockReleased, StockRejected)


@pytest.fixture
def changed(checkout: Path) -> Path:
    """The places, as they are after two participants were made."""
    for participant in (SEXTANT, POCKET_DIAL):
        for place, text in edited(participant, checkout):
            (checkout / place).write_text(text)
    return checkout


def test_the_project_declares_it(changed: Path) -> None:
    project = tomllib.loads((changed / "pyproject.toml").read_text())
    services = project["project"]["entry-points"]["saga.services"]
    assert services["sextant"] == "sextant_service.handlers:sextant"
    assert services["pocket_dial"] == "pocket_dial_service.handlers:pocket_dial"
    linter = project["tool"]["importlinter"]
    assert {"sextant_service", "pocket_dial_service"} < set(linter["root_packages"])
    (layer,) = (layer for layer in linter["contracts"][0]["layers"] if "observer_service" in layer)
    assert layer.endswith("sextant_service | pocket_dial_service | observer_service")


def test_compose_starts_it_with_what_it_needs(changed: Path) -> None:
    """At a port of its own, which no other container has on the host."""
    services = yaml.safe_load((changed / "compose.yaml").read_text())["services"]
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert len({re.findall(r":-(\d+)\}", port)[0] for port in ports}) == len(ports)
    assert services["pocket_dial"] == _renamed(services["shipping"], services["pocket_dial"]["ports"])
    assert services["provision"]["environment"]["SAGA_PASSWORD_SEXTANT"] == (
        "${SAGA_PASSWORD_SEXTANT:-development-sextant}"
    )
    known = json.loads(services["observer"]["environment"]["OBSERVER_SERVICES"])
    assert (known["sextant"], known["pocket_dial"]) == ("http://sextant:8000", "http://pocket_dial:8000")


def test_prometheus_asks_it(changed: Path) -> None:
    (jobs,) = (
        job
        for job in yaml.safe_load((changed / "infra/prometheus/prometheus.yml").read_text())["scrape_configs"]
        if job["job_name"] == "services"
    )
    assert {"sextant:8000", "pocket_dial:8000"} < set(jobs["static_configs"][0]["targets"])


def test_everything_else_in_these_files_stays_as_it_is(changed: Path) -> None:
    """Comments and spaces, too: what is taken away is there again, with a participant beside it."""
    for place in PLACES:
        lines = list(ndiff((ROOT / place).read_text().splitlines(), (changed / place).read_text().splitlines()))
        gone = [line[2:] for line in lines if line.startswith("- ")]
        new = "".join(line[2:] for line in lines if line.startswith("+ "))
        assert len(gone) <= 2
        for word in re.findall(r"[\w:]+", " ".join(gone)):
            assert word in new
        assert "sextant" in new


def _renamed(shipping: dict[str, Any], ports: list[str]) -> dict[str, Any]:
    """Shipping's container, as pocket_dial's would be."""
    renamed = json.dumps(shipping).replace("shipping", "pocket_dial").replace("SHIPPING", "POCKET_DIAL")
    return {**json.loads(renamed), "ports": ports}


@pytest.mark.parametrize("participant", [SEXTANT, POCKET_DIAL], ids=lambda participant: participant.name)
def test_every_file_speaks_of_the_participant(participant: Participant) -> None:
    """And leaves nothing of the template in it."""
    for path, text in rendered(participant):
        assert not re.search(r"NAME|NOW|\.jinja", str(path))
        assert not re.search(r"\{\{|\{%|%\}", text)
        assert participant.name in f"{path} {text}"


def test_a_handler_has_the_events_that_were_asked_for() -> None:
    made = {path.name: text for path, text in rendered(POCKET_DIAL)}
    assert "@pocket_dial.on(OrderPlaced)" in made["handlers.py"]
    assert "@pocket_dial.on(StockReleased, StockRejected, undoes=record_pocket_dial)" in made["handlers.py"]
    assert "class PocketDialSettings(Settings)" in made["settings.py"]
    assert '@pytest.mark.parametrize("end", [StockReleased, StockRejected])' in made["test_pocket_dial.py"]
