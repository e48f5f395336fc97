"""How a service starts."""

from typing import cast

import asyncpg
import pytest

from saga import Pool, migrations, runtime
from saga.errors import CannotStart, DatabaseAway
from tests.component.toy.handlers import ToySettings, toy

TOLD = {"amqp_url": "amqp://toy@host/", "database_url": "postgresql://toy@host/toy", "api_secret": "x" * 32}
POOL = cast(Pool, object())


def _opening(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> list[Exception | Pool]:
    """What comes of each attempt to reach the database: this trouble, and then its connections."""
    outcomes: list[Exception | Pool] = [trouble, POOL]

    async def open_pool(_: str, **__: object) -> Pool:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def is_current(_: object, __: object) -> None:
        """It is."""

    async def wait(_: float, __: str, error: Exception) -> None:
        assert isinstance(error, DatabaseAway)

    monkeypatch.setattr(runtime, "open_pool", open_pool)
    monkeypatch.setattr(runtime, "_wait", wait)
    monkeypatch.setattr(migrations, "expect_current", is_current)
    return outcomes


@pytest.mark.parametrize(
    "trouble",
    [
        DatabaseAway("gone"),
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    ],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_a_database_that_lets_nobody_in_yet_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    left = _opening(monkeypatch, trouble)
    assert await runtime._open_database(toy, ToySettings.model_validate(TOLD)) is POOL
    assert left == []


@pytest.mark.parametrize("trouble", [asyncpg.InvalidPasswordError("no"), asyncpg.InvalidCatalogNameError("no")])
async def test_a_database_that_refuses_us_ends_the_start(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    _opening(monkeypatch, trouble)
    with pytest.raises(CannotStart, match="refuses user 'toy'"):
        await runtime._open_database(toy, ToySettings.model_validate(TOLD))
