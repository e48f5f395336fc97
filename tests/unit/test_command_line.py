"""`saga publish` and its fellows refuse what is wrong in one line, before any server is asked."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import jwt
import pytest
from rich.console import Console

from events import Event
from infra.local.system import SERVICES
from inventory_service.handlers import inventory
from order_service.handlers import order
from saga.cli import main
from saga.cli.endpoints import Endpoints, passwords, tiers
from saga.cli.publish import publish
from saga.cli.timeline import Timeline, summary
from saga.cli.watch import Clock
from saga.errors import CannotStart
from saga.testing import enveloped
from tests.builders import address, order_cancelled, order_placed, payment_declined, payment_refunded, stock_reserved
from tests.order_saga import ORDER_SAGA

NOWHERE = Endpoints(publisher_amqp_url=None)


async def refusal(event_type: str, body: bytes) -> str:
    """Why it isn't published. There is no broker that could be asked."""
    with pytest.raises(CannotStart) as refused:
        await publish(NOWHERE, [order, inventory], event_type, body, Console(file=StringIO()))
    return str(refused.value)


async def test_an_invalid_event_is_not_published() -> None:
    """It is validated as its hearers will, and the field is named."""
    body = json.dumps(order_placed().model_dump(mode="json") | {"currency": "beads"}).encode()
    assert (await refusal("order.placed.v1", body)).startswith("not published: not a valid order.placed.v1: currency: ")


async def test_what_is_no_json_is_not_published() -> None:
    assert (await refusal("order.placed.v1", b"")).startswith(
        "not published: not a valid order.placed.v1: Invalid JSON: "
    )


@pytest.mark.parametrize("event_type", ["stock.reserved.v1", "order.eaten.v1", ""])
async def test_only_what_the_front_doors_say_can_be_published(event_type: str) -> None:
    """The publisher may not speak for inventory; the choice is told."""
    assert await refusal(event_type, b"{}") == (
        f"{event_type!r} can't be published here: choose one of order.cancelled.v1, order.placed.v1"
    )


async def test_a_cloudevent_of_another_type_is_not_published() -> None:
    whole = enveloped(stock_reserved()).encode()
    assert "says it is 'stock.reserved.v1'" in await refusal("order.placed.v1", whole)


async def test_a_valid_event_needs_a_broker() -> None:
    """What is missing is named, and where it can be had."""
    refused = await refusal("order.placed.v1", order_placed().model_dump_json().encode())
    assert refused.startswith("SAGA_PUBLISHER_AMQP_URL is not set: ")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which no system is running."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAGA_API_SECRET", raising=False)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str]) -> str | int | None:
    """How the command ends: None or 0 if all is well."""
    monkeypatch.setattr("sys.argv", ["saga", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_what_goes_wrong_is_told_in_one_line(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a traceback, and with an exit code of failure."""
    end = run(monkeypatch, ["token"])
    assert (
        end
        == "saga: SAGA_API_SECRET is not set: set it, or start a local system with 'make up' and stand in its folder"
    )


def test_a_token_is_minted_for_somebody_and_some_time(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the secret that all services share; it is all that is written."""
    secret = "a-secret-of-at-least-32-characters"
    monkeypatch.setenv("SAGA_API_SECRET", secret)
    assert run(monkeypatch, ["token", "--for", "grace", "--valid", "2h"]) in {0, None}
    claims = jwt.decode(capsys.readouterr().out.strip(), secret, ["HS256"])
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("grace", 7200)


@pytest.mark.parametrize(
    "words",
    [
        ["token", "--valid", "forever"],
        ["token", "--valid", "99999999d"],
        ["audit", "--since", "9999999d"],
    ],
)
def test_what_is_no_duration_is_refused(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Nor is what no clock could count, a hundred years before or after now."""
    assert run(monkeypatch, words) == 2
    assert "is no duration" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        (None, "can't be read"),
        ("", "holds 0 characters"),
        ("short\n", "holds 5 characters"),
        (b"\xff" * 40, "can't be read"),
    ],
)
def test_a_secret_that_is_none_makes_no_token(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, secret: str | bytes | None, told: str
) -> None:
    """No service would take what it signs."""
    if secret is not None:
        (elsewhere / "secret").write_bytes(secret if isinstance(secret, bytes) else secret.encode())
    assert told in str(run(monkeypatch, ["token", "--secret-file", "secret"]))


@pytest.mark.parametrize(("name", "value"), [("SAGA_ADMIN_STATISTICS_INTERVAL", "abc"), ("SAGA_API_SECRET", "short")])
def test_a_variable_that_is_wrong_is_named(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    told = str(run(monkeypatch, ["token"]))
    assert told.startswith(f"saga: settings are missing or wrong: {name} (")
    assert value not in told


def test_a_run_file_that_was_cut_short_is_named(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (elsewhere / ".run").mkdir()
    (elsewhere / ".run/endpoints.json").write_text('{"amqp": ')
    assert str(run(monkeypatch, ["token"])).startswith("saga: .run/endpoints.json can't be read (")


@pytest.mark.parametrize("saga_id", ["", " "])
def test_a_story_of_no_saga_is_refused(elsewhere: Path, monkeypatch: pytest.MonkeyPatch, saga_id: str) -> None:
    assert run(monkeypatch, ["story", saga_id]) == 2


def test_what_is_not_told_is_taken_from_a_system_that_is_running_here(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables win over the file that it left."""
    (elsewhere / ".run").mkdir()
    (elsewhere / ".run/endpoints.json").write_text(json.dumps({"amqp": "amqp://a/v%2F1", "amqp_publisher": "amqp://p"}))
    assert Endpoints.load().require("publisher_amqp_url") == "amqp://p"
    monkeypatch.setenv("SAGA_PUBLISHER_AMQP_URL", "amqp://q")
    monkeypatch.setenv("SAGA_ADMIN_MANAGEMENT_URL", "http://m")
    monkeypatch.setenv("SAGA_ADMIN_POSTGRES_URL", "postgresql://d")
    endpoints = Endpoints.load()
    assert endpoints.require("publisher_amqp_url") == "amqp://q"
    assert endpoints.administrator.vhost == "v/1"


def test_passwords_that_are_missing_are_named_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGA_PASSWORD_ORDER", "hush")
    monkeypatch.setenv("SAGA_PASSWORD_PAYMENT", "")
    with pytest.raises(CannotStart) as refused:
        passwords(["order", "payment", "publisher"])
    assert str(refused.value).startswith("not set: SAGA_PASSWORD_PAYMENT, SAGA_PASSWORD_PUBLISHER: ")
    assert passwords(["order"]) == {"order": "hush"}


def test_tiers_are_read_as_the_services_read_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAGA_RETRY_TIERS", raising=False)
    assert tiers() == (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5))
    monkeypatch.setenv("SAGA_RETRY_TIERS", "100ms,1h")
    assert tiers() == (timedelta(milliseconds=100), timedelta(hours=1))
    monkeypatch.setenv("SAGA_RETRY_TIERS", "1s,soon")
    with pytest.raises(CannotStart, match="SAGA_RETRY_TIERS='1s,soon' is no list of durations"):
        tiers()


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (stock_reserved(amount=9980), "amount 9980  currency EUR  allocations 1"),
        (payment_declined(reason="card_declined"), "reason card_declined"),
        (payment_refunded(amount=0), "amount 0"),
        (order_placed(), "currency EUR  lines 1"),
    ],
)
def test_an_event_is_watched_by_its_reason_and_its_counts(event: Event, told: str) -> None:
    assert summary(event.model_dump(mode="json")) == told


@pytest.mark.parametrize("build", [order_placed, stock_reserved])
def test_watching_shows_nothing_that_may_be_personal(build: Callable[..., Event]) -> None:
    """Neither names nor addresses nor how somebody pays."""
    grace = address(name="Murray", street="Hopper", city="Arlington", postal_code="22201")
    envelope = enveloped(build(customer_id="Grace", payment_method="Brewster", ship_to=grace))
    shown = Timeline(SERVICES).line(Clock().moment(envelope)).plain
    assert not any(word in shown for word in ("Grace", "Brewster", "Murray", "Hopper", "Arlington", "22201"))


def test_nobody_who_is_watched_commands_the_terminal() -> None:
    """A reason, a source and an id are whatever a stranger has written."""
    evil = "\x1b]0;owned\x07\x1b[2J[red]\u202e\n12:00 "
    envelope = replace(enveloped(order_cancelled(reason=evil)), source=evil)
    shown = Timeline(SERVICES).line(Clock().moment(envelope), evil)
    assert shown.plain.count("\\x1b]0;owned\\x07\\x1b[2J[red]\\u202e") == 3
    assert shown.plain.isprintable()


@pytest.mark.parametrize("time", [datetime(1970, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, 23, 59, tzinfo=UTC)])
def test_every_time_that_an_event_can_have_can_be_shown(time: datetime) -> None:
    """Also in the watcher's own time zone: no sender ends somebody's watching."""
    event = order_placed()
    envelope = replace(enveloped(event), time=time)
    assert event.saga_id in Timeline(SERVICES).line(Clock().moment(envelope), event.saga_id).plain


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ["list", "--service", "till"],
            None,
            "there is no service 'till' here: choose one of ",
        ),
        (["list", "--older", "soon"], 2, "'soon' is no duration"),
        (["replay"], 2, "name letters, or say --all"),
        (["replay", "m-1", "--all"], 2, "name letters, or say --all"),
        (["discard", "m-1"], 2, "Missing option '--reason'"),
        (["discard", "m-1", "--reason", " "], 2, "say why"),
    ],
)
def test_what_makes_no_sense_of_dead_letters_is_told(
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int | None,
    told: str,
) -> None:
    """Before any of them is looked at: there is no broker."""
    monkeypatch.setenv("SAGA_ADMIN_AMQP_URL", "amqp://nobody@nowhere/")
    end = run(monkeypatch, ["dead", *words])
    assert told in f"{end} {capsys.readouterr().err}"
    assert code in {None, end}


def test_the_choreography_is_checked_without_any_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("saga.cli.app.installed", lambda: ORDER_SAGA)
    monkeypatch.setattr("sys.argv", ["saga", "check", "--repeats", "1", "--schemas", "docs/schemas"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "✓ proven" in told
    assert "order, inventory, payment, shipping: 470 states" in told
    assert "These only listen, so they are neither fenced nor undone: order.follow_order" in told


def test_an_unsound_choreography_is_told_with_its_story(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("saga.cli.app.installed", lambda: [inventory, order])
    monkeypatch.setattr("sys.argv", ["saga", "check"])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().out
    assert ended.value.code == 1
    assert "✗ payment.declined.v1 is said by nobody, neither by a step nor by an entry\n" in told
    assert "order.follow_order waits for payment.declined.v1\n" in told
    assert "proven" not in told
