"""Which services the command line and the observer speak of."""

import pytest

from examples import bank_transfer
from saga.errors import CannotStart
from saga.installed import installed


def test_they_are_those_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGA_SERVICES", raising=False)
    names = {service.name for service in installed()}
    assert names >= {"order", "inventory", "payment", "shipping", "observer"}
    assert {service.name for service in installed(besides="observer")} == names - {"observer"}


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
