"""A service's own dead letters at its API: to look at, to replay, to refuse, to discard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel

from events.values import Detail, Reason
from saga.api import Caller
from saga.database import Pool
from saga.deadletters import REFUSED, Letter, Own, discard, held, in_causal_order, refusable, refuse, replay
from saga.errors import CannotStart
from saga.publisher import Publisher
from saga.service import Service


class LetterShown(BaseModel):
    """A message that the service could not handle, and why. Its content, which may be personal, is not shown."""

    id: str
    service: str
    type: str
    saga_id: str | None
    step: str | None
    error: str
    reason: str
    attempts: int
    parked_at: datetime
    refusable: bool


class Refused(BaseModel):
    reason: Reason = REFUSED
    detail: Detail = ""


class Discarding(BaseModel):
    reason: Reason


def letters_router(service: Service, pool: Pool, amqp_url: str) -> APIRouter:
    """Letters that somebody else holds at the same moment are not among those that are shown or found."""
    router = APIRouter(prefix="/dead", tags=["dead letters"])

    @asynccontextmanager
    async def one(letter_id: str) -> AsyncIterator[Letter]:
        async with held(amqp_url, [service], alone=False) as letters:
            found = [letter for letter in letters if letter.id == letter_id]
            if not found:
                raise HTTPException(HTTPStatus.NOT_FOUND, f"{service.name} has no dead letter {letter_id!r}")
            try:
                yield found[0]
            except CannotStart as error:
                raise HTTPException(HTTPStatus.CONFLICT, str(error)) from None

    @asynccontextmanager
    async def publishing() -> AsyncIterator[Publisher]:
        publisher = Publisher(amqp_url, f"{service.name} dead letters")
        try:
            yield publisher
        finally:
            await publisher.close()

    @router.get("")
    async def get_letters() -> list[LetterShown]:
        """Causes first."""
        async with held(amqp_url, [service], alone=False) as letters:
            return [_shown(letter) for letter in in_causal_order(letters)]

    @router.post("/{letter_id:path}/replay", status_code=HTTPStatus.ACCEPTED)
    async def post_replay(letter_id: str) -> dict[str, str]:
        """Have it handled again, as if for the first time."""
        async with one(letter_id) as letter, publishing() as publisher:
            await replay([letter], publisher)
        return {"id": letter_id, "done": "replayed"}

    @router.post("/{letter_id:path}/refuse", status_code=HTTPStatus.ACCEPTED)
    async def post_refuse(letter_id: str, refused: Refused | None = None) -> dict[str, str]:
        """Answer it with the refusal of its step, so that its saga is undone and waits no longer."""
        told = refused or Refused()
        async with one(letter_id) as letter:
            said = await refuse(letter, Own(pool), told.reason, told.detail)
        return {"id": letter_id, "done": "refused", "said": " ".join(envelope.type for envelope in said)}

    @router.post("/{letter_id:path}/discard", status_code=HTTPStatus.ACCEPTED)
    async def post_discard(letter_id: str, discarding: Discarding, caller: Caller) -> dict[str, str]:
        """Throw it away for good, for a reason and on record."""
        async with one(letter_id) as letter, publishing() as publisher:
            await discard([letter], Own(pool), discarding.reason, caller, publisher)
        return {"id": letter_id, "done": "discarded"}

    return router


def _shown(letter: Letter) -> LetterShown:
    return LetterShown(
        id=letter.id,
        service=letter.service.name,
        type=letter.type,
        saga_id=letter.saga_id,
        step=letter.step.name if letter.step else None,
        error=letter.error,
        reason=letter.words,
        attempts=letter.attempts,
        parked_at=letter.parked_at,
        refusable=_is_refusable(letter),
    )


def _is_refusable(letter: Letter) -> bool:
    try:
        refusable(letter)
    except CannotStart:
        return False
    return True
