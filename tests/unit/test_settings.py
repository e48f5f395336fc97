"""A program is told what it needs by environment variables, and says in one line what is missing or wrong."""

from datetime import timedelta

import pytest
from pydantic_settings import SettingsConfigDict

from inventory_service.settings import InventorySettings
from order_service.settings import OrderSettings
from payment_service.settings import PaymentSettings
from saga import Settings
from saga.errors import CannotStart
from saga.provisioning import Administrator, Deployment
from saga.service import Service
from saga.settings import is_address, seconds
from shipping_service.settings import ShippingSettings

SECRET = "a-secret-of-at-least-32-characters"


class ToySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="TOY_")


@pytest.fixture(autouse=True)
def _told(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is needed."""
    monkeypatch.setenv("TOY_AMQP_URL", "amqp://toy:hush@broker:5672/")
    monkeypatch.setenv("TOY_DATABASE_URL", "postgresql://toy:hush@database:5432/toy")
    monkeypatch.setenv("TOY_API_SECRET", SECRET)


def refusal() -> str:
    with pytest.raises(CannotStart) as refused:
        ToySettings.load()
    return str(refused.value)


def test_what_is_not_told_has_a_default() -> None:
    settings = ToySettings.load()
    assert settings.retry_tiers == (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5))
    assert (settings.http_host, settings.log_format) == ("127.0.0.1", "json")


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("5s", timedelta(seconds=5)),
        (" 5m ", timedelta(minutes=5)),
        ("1.5h", timedelta(minutes=90)),
        ("30d", timedelta(days=30)),
        ("PT5S", timedelta(seconds=5)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(monkeypatch: pytest.MonkeyPatch, text: str, duration: timedelta) -> None:
    """Or ISO 8601."""
    monkeypatch.setenv("TOY_CALL_TIMEOUT", text)
    assert ToySettings.load().call_timeout == duration


@pytest.mark.parametrize(
    "text", ["", "5", "-5s", "s", ".s", "5 s", "5w", "five", "²s", "99999999999d", "9" * 400 + "s"]
)
def test_what_is_no_duration_is_refused_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TOY_CALL_TIMEOUT", text)
    assert refusal().startswith("settings are missing or wrong: TOY_CALL_TIMEOUT (Input should be a valid timedelta")


@pytest.mark.parametrize("value", ["five", 5, None, timedelta(seconds=5)])
def test_what_is_no_text_of_a_duration_is_left_to_the_validator(value: object) -> None:
    assert seconds(value) is value


@pytest.mark.parametrize(
    ("text", "tiers"),
    [
        ("1s", (timedelta(seconds=1),)),
        ("100ms, 1m,", (timedelta(milliseconds=100), timedelta(minutes=1))),
        ("", ()),
    ],
)
def test_tiers_are_durations_between_commas(
    monkeypatch: pytest.MonkeyPatch, text: str, tiers: tuple[timedelta, ...]
) -> None:
    """There may be none."""
    monkeypatch.setenv("TOY_RETRY_TIERS", text)
    assert ToySettings.load().retry_tiers == tiers


def test_a_tier_that_is_no_duration_is_refused_by_the_name_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_RETRY_TIERS", "1s,soon")
    assert refusal().startswith("settings are missing or wrong: TOY_RETRY_TIERS (Input should be a valid timedelta")


def test_a_message_must_be_remembered_for_longer_than_it_can_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Told again, over all tiers, and then out of the dead letters: else its replay would be taken for news."""
    monkeypatch.setenv("TOY_RETRY_TIERS", "12h,12h")
    monkeypatch.setenv("TOY_REPLAY_HORIZON", "13d")
    monkeypatch.setenv("TOY_RETELL_HORIZON", "36h")
    monkeypatch.setenv("TOY_INBOX_RETENTION", "16.5d")
    parts = "retry_tiers, replay_horizon, retell_horizon and a day"
    assert f"inbox_retention must be longer than {parts} together (16 days, 12:00:00)" in refusal()
    monkeypatch.setenv("TOY_INBOX_RETENTION", "17d")
    assert ToySettings.load().inbox_retention == timedelta(days=17)


def test_what_is_held_back_needs_a_tier_to_wait_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_RETRY_TIERS", "")
    monkeypatch.setenv("TOY_RESTORED", "true")
    assert "restored needs retry_tiers" in refusal()


def test_steps_are_remembered_for_longer_than_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a message that comes again could run a step again."""
    monkeypatch.setenv("TOY_RETENTION", "30d")
    assert "retention must be longer than inbox_retention (30 days, 0:00:00)" in refusal()
    monkeypatch.setenv("TOY_INBOX_RETENTION", "29d")
    assert ToySettings.load().retention == timedelta(days=30)


def test_all_variables_that_are_missing_are_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to start it once for each."""
    for name in ("TOY_AMQP_URL", "TOY_DATABASE_URL", "TOY_API_SECRET"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("TOY_HTTP_PORT", "70000")
    assert refusal() == (
        "settings are missing or wrong: TOY_AMQP_URL (Field required); TOY_DATABASE_URL (Field required); "
        "TOY_API_SECRET (Field required); TOY_HTTP_PORT (Input should be less than 65536)"
    )


def test_secrets_do_not_show() -> None:
    """Neither when settings are printed nor when they are dumped."""
    settings = ToySettings.load()
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "hush" not in shown
        assert SECRET not in shown


def test_a_secret_that_is_too_short_does_not_show_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOY_API_SECRET", "hush")
    assert "hush" not in refusal()
    assert "TOY_API_SECRET" in refusal()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("order", OrderSettings),
        ("inventory", InventorySettings),
        ("payment", PaymentSettings),
        ("shipping", ShippingSettings),
    ],
)
def test_what_a_deployment_tells_a_service_is_all_that_it_needs(
    monkeypatch: pytest.MonkeyPatch, name: str, settings: type[Settings]
) -> None:
    """Its own credentials at both servers, in its own variables."""
    servers = Administrator("http://admin:root@broker:15672", "postgresql://admin:root@database:5432/postgres", "a/b")
    tiers = (timedelta(milliseconds=100), timedelta(minutes=1))
    deployment = Deployment.new([Service(name)], servers, "amqp://admin:root@broker:5672/", "t1_", tiers)
    for variable, value in deployment.environment(name, 8123).items():
        monkeypatch.setenv(variable, value)
    told = settings.load()
    password = deployment.passwords[name]
    assert told.amqp_url.get_secret_value() == f"amqp://t1_{name}:{password}@broker:5672/a%2Fb"
    assert told.database_url.get_secret_value() == f"postgresql://t1_{name}:{password}@database:5432/t1_{name}"
    assert (told.http_port, told.retry_tiers) == (8123, tiers)


def test_a_deployments_passwords_do_not_show() -> None:
    servers = Administrator("http://broker:15672", "postgresql://database:5432/postgres")
    deployment = Deployment.new([Service("toy")], servers, "amqp://broker:5672/")
    for secret in (*deployment.passwords.values(), deployment.api_secret):
        assert secret not in repr(deployment)
    assert len({*deployment.passwords.values(), deployment.api_secret}) == 3


@pytest.mark.parametrize(
    ("url", "holds"),
    [
        ("amqp://user:secret@host:5672/", True),
        ("postgresql://user:secret@host/database", True),
        ("amqp://user:secr%2Fet@host:5672/", True),
        ("amqp://user:secr/et@host:5672/", False),
        ("amqp://user:secr#et@host:5672/", False),
        ("amqp://user:secr?et@host:5672/", False),
        ("user:secret", False),
        ("", False),
    ],
)
def test_an_address_names_a_server(url: str, holds: bool) -> None:  # noqa: FBT001 — a column of the table above
    """A password that isn't encoded makes another URL of it, and an error's text would show its pieces."""
    assert is_address(url) is holds
