"""Do, undo, listen and call: each leaves a mark."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from events import Event
from saga import Call, Refusal, Service, Settings, Tx

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class AboutToy(Event):
    toy_id: UUID
    behaviour: str = ""

    @property
    def saga_id(self) -> str:
        return str(self.toy_id)


class Wanted(AboutToy, event_type="toy.wanted.v1", exchange="toy_outside"):
    """Somebody wants it done."""


class Unwanted(AboutToy, event_type="toy.unwanted.v1", exchange="toy_outside"):
    """Somebody wants it undone."""


class Ordered(AboutToy, event_type="toy.ordered.v1", exchange="toy_outside"):
    """Somebody wants the outside world asked."""


class Revoked(AboutToy, event_type="toy.revoked.v1", exchange="toy_outside"):
    """Nobody wants the outside world asked any more. Its time is strict, see `Bought`."""

    at: Annotated[datetime, Field(strict=True)] = NOON


class Found(AboutToy, event_type="toy.found.v1", exchange="toy_outside"):
    """One half is there."""


class Bought(AboutToy, event_type="toy.bought.v1", exchange="toy_outside"):
    """The other half is there. Its time is strict: as JSON it is a text, and nothing else may be."""

    at: Annotated[datetime, Field(strict=True)] = NOON


class Borrowed(AboutToy, event_type="toy.borrowed.v1", exchange="toy_outside"):
    """Another other half is there."""


class Dropped(AboutToy, event_type="toy.dropped.v1", exchange="toy_outside"):
    """It is to be in pieces again."""


class Assembled(AboutToy, event_type="toy.assembled.v1", exchange="toy"):
    halves: tuple[str, str]


class Broken(AboutToy, event_type="toy.broken.v1", exchange="toy"):
    pass


class Done(AboutToy, event_type="toy.done.v1", exchange="toy"):
    pass


class Refused(AboutToy, event_type="toy.refused.v1", exchange="toy"):
    reason: str


class Undone(AboutToy, event_type="toy.undone.v1", exchange="toy"):
    pass


class Answered(AboutToy, event_type="toy.answered.v1", exchange="toy"):
    pass


class Withdrawn(AboutToy, event_type="toy.withdrawn.v1", exchange="toy"):
    pass


class Question(Call):
    toy_id: UUID
    behaviour: str

    @property
    def saga_id(self) -> str:
        return str(self.toy_id)


class ToySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="TOY_")


toy = Service("toy", package="tests.component.toy")
router = APIRouter()


@toy.on(Wanted)
async def do(wanted: Wanted, tx: Tx) -> Done | Refused:
    """Mark it as done; then behave as wanted."""
    await _mark(tx, wanted, "done")
    match wanted.behaviour:
        case "rewrite":
            await tx.execute("UPDATE mark SET what = 'rewritten' WHERE saga_id = $1", wanted.saga_id)
        case "erase":
            await tx.execute("DELETE FROM mark WHERE saga_id = $1", wanted.saga_id)
        case "raise":
            raise RuntimeError("this toy is broken")
        case "slow":
            await asyncio.sleep(1)
    return Done(toy_id=wanted.toy_id)


@toy.refuses(do)
async def refuse_to_do(refusal: Refusal, tx: Tx) -> Refused:
    refused = Refused(toy_id=UUID(refusal.saga), reason=refusal.reason)
    await _mark(tx, refused, "refused")
    return refused


@toy.on(Unwanted, undoes=do)
async def undo(unwanted: Unwanted, tx: Tx) -> Undone:
    await _mark(tx, unwanted, "undone")
    return Undone(toy_id=unwanted.toy_id)


@toy.on(Ordered)
async def ask(ordered: Ordered, tx: Tx) -> Question:
    await _mark(tx, ordered, "asked")
    return Question(toy_id=ordered.toy_id, behaviour=ordered.behaviour)


@toy.settles(Question)
async def record(question: Question, answer: str, tx: Tx) -> Answered:
    await _mark(tx, Answered(toy_id=question.toy_id), answer)
    return Answered(toy_id=question.toy_id)


@toy.on(Revoked, undoes=ask)
async def withdraw(revoked: Revoked, tx: Tx) -> Withdrawn:
    await _mark(tx, revoked, "withdrawn")
    return Withdrawn(toy_id=revoked.toy_id)


@toy.join(Found, Bought | Borrowed)
async def assemble(one: Found, other: Bought | Borrowed, tx: Tx) -> Assembled:
    await _mark(tx, one, "assembled")
    return Assembled(toy_id=one.toy_id, halves=(one.behaviour, other.behaviour))


@toy.on(Dropped, undoes=assemble)
async def take_apart(dropped: Dropped, tx: Tx) -> Broken:
    await _mark(tx, dropped, "taken apart")
    return Broken(toy_id=dropped.toy_id)


async def _mark(tx: Tx, event: AboutToy, what: str) -> None:
    await tx.execute("INSERT INTO mark (saga_id, what) VALUES ($1, $2)", event.saga_id, what)
