"""Which services the command line and the observer speak of."""

from importlib.metadata import EntryPoint

import pytest

from examples import bank_transfer
from saga.errors import CannotStart
from saga.installed import installed


def test_they_are_those_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGA_SERVICES", raising=False)
    names = {service.name for service in installed()}
    assert names >= {"order", "inventory", "payment", "shipping", "observer"}
    assert {service.name for service in installed(besides="observer")} == names - {"observer"}


def test_one_whose_code_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after another branch was checked out."""
    monkeypatch.delenv("SAGA_SERVICES", raising=False)
    gone = EntryPoint("gone", "gone_service.handlers:gone", "saga.services")
    monkeypatch.setattr("saga.installed.entry_points", lambda group: [gone])  # noqa: ARG005 — called by its name
    with pytest.raises(
        CannotStart, match=r"gone_service\.handlers, which is installed, is not there: run 'make install'"
    ):
        installed()


def test_they_are_those_that_a_variable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGA_SERVICES", "examples.bank_transfer:SERVICES")
    assert installed() == list(bank_transfer.SERVICES)
    assert [service.name for service in installed(besides="giro")] == ["savings"]


@pytest.mark.parametrize(
    "where",
    [
        "nowhere:SERVICES",
        "examples.bank_transfer:NOTHING",
        "examples.bank_transfer",
        "examples.bank_transfer:OPENING",
        ":",
    ],
)
def test_what_names_no_services_is_refused(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.setenv("SAGA_SERVICES", where)
    with pytest.raises(CannotStart, match="MODULE:NAME"):
        installed()
