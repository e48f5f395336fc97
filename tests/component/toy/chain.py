"""A step whose call leads to another call, before anything is said."""

from uuid import UUID

from saga import Call, Service, Tx
from tests.component.toy.handlers import AboutToy, Ordered, Revoked


class Fetch(Call):
    toy_id: UUID

    @property
    def saga_id(self) -> str:
        return str(self.toy_id)


class Wrap(Fetch):
    pass


class Wrapped(AboutToy, event_type="chain.wrapped.v1", exchange="chain"):
    pass


class Unwrapped(AboutToy, event_type="chain.unwrapped.v1", exchange="chain"):
    pass


chain = Service("chain", package="tests.component.toy")


@chain.on(Ordered)
async def wrap(ordered: Ordered, _: Tx) -> Fetch:
    return Fetch(toy_id=ordered.toy_id)


@chain.settles(Fetch)
async def fetched(fetch: Fetch, _: str, __: Tx) -> Wrap:
    return Wrap(toy_id=fetch.toy_id)


@chain.settles(Wrap)
async def wrapped(asked: Wrap, _: str, tx: Tx) -> Wrapped:
    await tx.execute("INSERT INTO mark (saga_id, what) VALUES ($1, 'wrapped')", asked.saga_id)
    return Wrapped(toy_id=asked.toy_id)


@chain.on(Revoked, undoes=wrap)
async def unwrap(revoked: Revoked, tx: Tx) -> Unwrapped:
    await tx.execute("INSERT INTO mark (saga_id, what) VALUES ($1, 'unwrapped')", revoked.saga_id)
    return Unwrapped(toy_id=revoked.toy_id)
