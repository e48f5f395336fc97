"""Money is never made, and never lost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from examples.bank_transfer.events import CreditRefused, DebitReversed, MoneyCredited, TransferRefused
from examples.playing import Play
from saga.provisioning import DatabaseServer
from tests.examples.conftest import Playing

TRANSFERS = 60
ADA = 1_000_000
"""Cents that she begins with."""
TOTAL = "SELECT sum(amount)::bigint FROM entry"
IN_FLIGHT = "SELECT coalesce(sum(amount), 0)::bigint FROM entry WHERE account = 'in flight'"


async def test_the_sum_over_all_accounts_never_changes_and_what_is_in_flight_lands_or_returns(play: Playing) -> None:
    """At every committed moment that is looked at while transfers go on, and when all have ended."""
    async with play("bank_transfer") as here, ledgers(here) as (giro, savings):
        sums: list[Sequence[int]] = []
        looking = asyncio.create_task(look(giro, savings, sums))
        landed = [await here.tell("from Ada to Grace") for _ in range(TRANSFERS)]
        returned = [await here.tell("to an account that is closed") for _ in range(TRANSFERS)]
        refused = await here.tell("more than there is")
        for saga in landed:
            await here.stage.hears(MoneyCredited, saga, within=60)
        for saga in returned:
            assert (await here.stage.hears(CreditRefused, saga, within=60)).reason == "closed_account"
            assert (await here.stage.hears(DebitReversed, saga, within=60)).amount == 250
        assert (await here.stage.hears(TransferRefused, refused)).reason == "insufficient_funds"
        looking.cancel()
        await asyncio.wait([looking])
        assert len(sums) > 20
        assert {(total_giro, total_savings) for total_giro, total_savings, _ in sums} == {(0, 0)}
        assert max(flying for _, _, flying in sums) > 0
        assert await giro.fetchval(IN_FLIGHT) + await savings.fetchval(IN_FLIGHT) == 0
        assert await giro.fetchval("SELECT balance FROM account WHERE name = 'ada'") == ADA - TRANSFERS * 250
        assert await savings.fetchval("SELECT balance FROM account WHERE name = 'grace'") == TRANSFERS * 250
        await here.balanced()


async def look(giro: asyncpg.Connection, savings: asyncpg.Connection, sums: list[Sequence[int]]) -> None:
    """Sum up both ledgers, again and again: what has landed first, so that what is in flight is never too little."""
    while True:
        landed = await savings.fetchval(IN_FLIGHT)
        told = await giro.fetchval(TOTAL), await savings.fetchval(TOTAL) or 0, await giro.fetchval(IN_FLIGHT) + landed
        sums.append(told)
        await asyncio.sleep(0.01)


@asynccontextmanager
async def ledgers(here: Play) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    server = DatabaseServer(here.deployment.administrator.postgres)
    giro, savings = [
        await asyncpg.connect(server.url_of(f"{here.deployment.prefix}{bank}")) for bank in ("giro", "savings")
    ]
    try:
        yield giro, savings
    finally:
        await giro.close()
        await savings.close()
