"""Whether a saga at rest is as it should be: by the laws of the choreography, and by what the services' books say."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from events import Envelope, Message
from saga.checking.actors import Actor, actors
from saga.checking.search import Laws
from saga.checking.states import Position, Stand, State
from saga.checking.world import World
from saga.exploring.company import Company
from saga.exploring.member import Member, sql
from saga.exploring.scenario import Scenario
from saga.exploring.scene import Scene
from saga.laws import Book, Law

FENCE = {"done": Stand.DONE, "compensated": Stand.UNDONE, "blocked": Stand.BLOCKED}


class Judge:
    def __init__(self, scenario: Scenario) -> None:
        parts = actors(scenario.takes_part())
        self._world = World(parts, repeats=1)
        self._laws = Laws(self._world, parts)
        self._too_late: defaultdict[str | None, set[str | None]] = defaultdict(set)
        for actor in parts:
            self._too_late[actor.undoes].add(actor.too_late)

    async def broken(self, company: Company, scene: Scene) -> AsyncIterator[str]:
        """Everything that is wrong with the sagas of a scene in which nothing is on its way."""
        sagas = sorted({envelope.saga_id for envelope in scene.messages.values()})
        for saga in sagas:
            messages = [envelope for envelope in scene.messages.values() if envelope.saga_id == saga]
            if why := self._laws.broken(await self._state(company, saga, messages)):
                yield why
        books: defaultdict[str, dict[str, dict[str, str | None]]] = defaultdict(dict)
        for member in company.members.values():
            for rule in member.service.laws.rules if member.service.laws else ():
                if isinstance(rule, Law):
                    for row in await member.pool.fetch(rule.breaches):
                        yield f"{rule.name}: {row['detail']}"
                else:
                    books[rule.name][rule.keeper] = await _entries(member, rule, sagas)
        for name, keepers in books.items():
            for saga in sagas:
                told = {keeper: entries[saga] for keeper, entries in keepers.items()}
                if None in told.values() or len(set(told.values())) > 1:
                    yield f"{name}: " + ", ".join(f"{keeper} {entry or '?'}" for keeper, entry in told.items())

    async def _state(self, company: Company, saga: str, messages: Sequence[Envelope[Message]]) -> State:
        """How the fences, and what was said, have it."""
        fences = {
            f"{name}.{row['step']}": FENCE[row["state"]]
            for name, member in company.members.items()
            for row in await member.pool.fetch(sql.fences, saga)
        }
        parts = [self._world.actors[number] for number in self._world.fenced]
        stands = tuple(Position(self._stand(part, fences.get(part.id, Stand.NEW), messages)) for part in parts)
        said = {envelope.type for envelope in messages}  # the laws are about events, and mind no commands
        bits = sum(1 << n for n, message in enumerate(self._world.messages) if message in said)
        return State(stands, bits, 0)

    def _stand(self, actor: Actor, fence: Stand, messages: Sequence[Envelope[Message]]) -> Stand:
        refused = _has_refused(actor, messages)
        if fence is Stand.DONE:
            return Stand.REFUSED if refused else Stand.DONE
        if fence is Stand.UNDONE and self._too_late[actor.id] & {envelope.type for envelope in messages}:
            return Stand.KEPT
        return Stand.EMPTY if fence is Stand.UNDONE and refused else fence


def _has_refused(actor: Actor, messages: Sequence[Envelope[Message]]) -> bool:
    """Whether it, and no other step of its service that refuses with the same words."""
    asked = {e.id for e in messages if {e.type, f"{actor.service}.{e.type}"} & actor.hears}
    said = (e for e in messages if e.type in actor.refusals and e.source == actor.service)
    return any(refusal.causationid in asked for refusal in said)


async def _entries(member: Member, book: Book, sagas: Sequence[str]) -> dict[str, str | None]:
    """What a book says of each; of a saga without a row, what it says of those it doesn't know."""
    found = {row["saga_id"]: row["entry"] for row in await member.pool.fetch(book.entries, sagas)}
    return {saga: found.get(saga, book.unknown) for saga in sagas}
