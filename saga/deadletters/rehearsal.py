"""What would happen if a letter were handled now: it is handled, and then nothing of it is kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import asyncpg

from events import Envelope, Event
from saga.database import Pool, Tx, queries, rolled_back
from saga.deadletters.databases import Databases
from saga.deadletters.letter import Letter
from saga.errors import ServerAway
from saga.messages import Call
from saga.participant import Participant, Performed, in_time

sql = queries(__file__)

Row = Mapping[str, Any]


class Verdict(StrEnum):
    HANDLED = "handled"
    DUPLICATE = "duplicate"
    """The message has been handled before."""
    KEPT = "kept"
    """Its step waits for other facts of the saga, too."""
    FENCED = "fenced"
    """Another message made the step run, or undid it, or blocked it for ever."""
    NOTED = "noted"
    """It is an undo, and waits for the outcome of a call that is open."""
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row as it is and as it would be. `before` is None if it is new, `after` if it goes."""

    table: str
    before: Row | None
    after: Row | None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would happen. `fence` is how the fence would stand to the step, `unseen` which tables would change, too."""

    letter: Letter
    verdict: Verdict
    problem: str = ""
    fence: str | None = None
    rows: Sequence[RowChange] = ()
    unseen: Sequence[str] = ()
    said: Sequence[Envelope[Event]] = ()
    calls: Sequence[Call] = ()


async def rehearse(letter: Letter, databases: Databases) -> Rehearsal:
    """Handle it as its service would, with the service's own rights, in a transaction that is rolled back.

    Rows that it changes are locked meanwhile, as they would be. Raises DatabaseAway.
    """
    if letter.envelope is None or letter.step is None:
        return Rehearsal(letter, Verdict.FAILS, letter.problem)
    async with databases.of(letter.service) as pool:
        participant = Participant(letter.service, pool)
        try:
            async with rolled_back(pool) as tx, in_time(letter.step.name):
                done = await participant.perform(tx, letter.step, [letter.envelope])
                await tx.execute(sql.check_now)
                return await _seen(letter, done, tx, pool)
        except ServerAway:
            raise
        except Exception as error:  # noqa: BLE001 — whatever it is, the letter would park with it again
            return Rehearsal(letter, Verdict.FAILS, f"{type(error).__name__}: {error}")


async def _seen(letter: Letter, done: Performed, tx: Tx, pool: Pool) -> Rehearsal:
    verdict = (
        Verdict.DUPLICATE
        if not done.fresh
        else Verdict.KEPT
        if done.waiting
        else Verdict.FENCED
        if not done.entered
        else Verdict.HANDLED
        if done.due
        else Verdict.NOTED
    )
    rows, unseen = await _changes(tx, pool)
    return Rehearsal(
        letter,
        verdict,
        fence=await tx.fetchval(sql.fence_state, letter.saga_id, (done.step.undoes or done.step).name),
        rows=rows,
        unseen=unseen,
        said=done.follows.said,
        calls=[call for _, call, _ in done.follows.called],
    )


async def _changes(tx: Tx, pool: Pool) -> tuple[list[RowChange], list[str]]:
    """What the transaction has written, and the tables that are too large to find it in."""
    changes: list[RowChange] = []
    unseen = []
    identity = await tx.fetchval(sql.transaction_id)
    async with pool.acquire() as others:
        for table in await tx.fetch(sql.written_tables):
            try:
                async with tx.transaction(), others.transaction():
                    await tx.execute(sql.be_quick)
                    await others.execute(sql.be_quick)
                    changes += await _changes_of(table, identity, tx, others)
            except asyncpg.QueryCanceledError:
                unseen.append(table["name"])
    return changes, unseen


async def _changes_of(table: asyncpg.Record, identity: str, tx: Tx, others: Tx) -> list[RowChange]:
    """What others see of its rows is what these were before."""
    name, key = table["name"], table["key"]
    now = await _rows(tx, table["now"])
    if not key:
        return [RowChange(name, None, row) for row in now]
    before = {_key(row, key): row for row in await _rows(others, table["by_key"], json.dumps(now))}
    changes = [RowChange(name, before.get(_key(row, key)), row) for row in now]
    if table["deleted"]:
        gone = await _rows(others, table["gone"], identity)
        still = {_key(row, key) for row in await _rows(tx, table["by_key"], json.dumps(gone))}
        changes += [RowChange(name, row, None) for row in gone if _key(row, key) not in still]
    return [change for change in changes if change.before != change.after]


async def _rows(connection: Tx, query: str, *arguments: str) -> list[Row]:
    return [json.loads(row[0]) for row in await connection.fetch(query, *arguments)]


def _key(row: Row, columns: Sequence[str]) -> str:
    return json.dumps([row[column] for column in columns])
