"""How a saga stands, and in which order its story is told: of what was heard of it alone, in whatever order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pydantic_core import from_json, to_json

from saga import Kind
from saga.choreography import Choreography, Part
from saga.overhearing import Course, Overheard


class State(StrEnum):
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    """A step was refused, and there was nothing to undo."""
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    STUCK = "stuck"


UNDERWAY = (State.RUNNING, State.COMPENSATING, State.STUCK)
PARKED, DISCARDED = "parked", "discarded"


@dataclass(frozen=True, slots=True)
class Fact:
    """An event, without its data."""

    id: str
    source: str
    type: str
    causationid: str | None
    time: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that parked with a service, and when it was given back or thrown away, if it was."""

    service: str
    id: str
    type: str
    parked_at: float
    replayed_at: float
    discarded_at: float
    words: str

    @property
    def trouble(self) -> str | None:
        """Why a saga waits in vain for what is to be done with it; None, if it doesn't."""
        if self.parked_at > max(self.replayed_at, self.discarded_at):
            return PARKED
        return DISCARDED if self.discarded_at > self.replayed_at else None

    @property
    def changed_at(self) -> float:
        return max(self.parked_at, self.replayed_at, self.discarded_at)

    def and_also(self, other: "Letter") -> "Letter":
        """What is known of it together, whichever was heard first."""
        return replace(
            max(self, other, key=lambda letter: (letter.parked_at, letter.words)),
            replayed_at=max(self.replayed_at, other.replayed_at),
            discarded_at=max(self.discarded_at, other.discarded_at),
        )


@dataclass(frozen=True)
class Known:
    """All that matters of what was heard of a saga. To hear it again, or in another order, makes no difference."""

    facts: Mapping[tuple[str, str], Fact] = field(default_factory=dict)
    letters: Mapping[tuple[str, str], Letter] = field(default_factory=dict)

    def hear(self, heard: Iterable[Overheard]) -> "Known":
        facts, letters = dict(self.facts), dict(self.letters)
        for one in heard:
            if one.diverted is None:
                fact = Fact(one.id, one.source, one.type, one.causationid, one.time)
                facts.setdefault((one.id, one.source), fact)
            elif letter := _letter(one):
                key = (letter.service, letter.id)
                letters[key] = letters[key].and_also(letter) if key in letters else letter
        return Known(facts, letters)

    @cached_property
    def causes(self) -> Mapping[str, Fact]:
        """The events by their ids, as those that follow from them name them."""
        return {fact.id: fact for fact in self.facts.values()}

    def encode(self) -> str:
        facts = [[f.id, f.source, f.type, f.causationid, f.time.timestamp()] for f in self.facts.values()]
        letters = [
            [o.service, o.id, o.type, o.parked_at, o.replayed_at, o.discarded_at, o.words]
            for o in self.letters.values()
        ]
        return to_json([facts, letters] if letters else [facts]).decode()

    @classmethod
    def decode(cls, stored: str) -> Self:
        told: list[list[Any]] = from_json(stored)
        facts = (Fact(i, s, t, c, datetime.fromtimestamp(at, UTC)) for i, s, t, c, at in told[0])
        letters = (Letter(*letter) for letter in (told[1] if len(told) > 1 else ()))
        return cls({(f.id, f.source): f for f in facts}, {(o.service, o.id): o for o in letters})


@dataclass(frozen=True, slots=True)
class Standing:
    """How a saga stands. `remaining` are the ids of the steps that are still to be done, the longest awaited first."""

    state: State
    remaining: tuple[str, ...] = ()
    since: datetime | None = None
    reason: str | None = None
    detail: str | None = None

    @property
    def waits_for(self) -> str | None:
        return self.remaining[0] if self.remaining else None


def stand(choreography: Choreography, known: Known) -> Standing:
    """Where the saga stands by what was heard of it.

    A step is still to be done when an event that it goes on from was heard, and none that it says; unless its undo has
    spoken, after which the fence lets it in no more.
    """
    first: dict[str, datetime] = {}
    answered: set[str] = set()
    has_passed = False
    for fact in known.facts.values():
        first[fact.type] = min(first.get(fact.type, fact.time), fact.time)
        spoken = speakers(choreography, known, fact)
        answered.update(part.id for part in spoken)
        has_passed |= any(part.kind is Kind.PIVOT and fact.type not in part.refuses for part in spoken)
    blocked = {part.undoes for part in choreography.parts.values() if part.undoes and part.id in answered}
    settled = answered | blocked
    due = [
        (since, part.id)
        for part in {part.id: part for heard in first for part in choreography.continuing.get(heard, ())}.values()
        if part.id not in settled and (since := part.due_since(first))
    ]
    remaining = tuple(name for _, name in sorted(due))
    since = min(due)[0] if due else None
    has_begun = any(choreography.parts[name].kind is not Kind.ENTRY for name in answered)
    if (letter := _missing(choreography, known, settled)) and (letter.trouble == PARKED or has_begun):
        return _stuck(choreography, letter, remaining, since)
    undone = not has_passed and bool(first.keys() & choreography.undoing)
    if remaining and letter is None:
        return Standing(State.COMPENSATING if undone else State.RUNNING, remaining, since)
    if undone:
        return Standing(State.COMPENSATED)
    is_refused = not has_passed and bool(letter or first.keys() & choreography.refusals)
    return Standing(State.REFUSED if is_refused else State.SUCCEEDED)


def speakers(choreography: Choreography, known: Known, fact: Fact) -> Sequence[Part]:
    """The steps that an event answers for: one, unless several of a service say such events for a cause unheard of."""
    parts = choreography.speaking.get((fact.source, fact.type), ())
    if len(parts) < 2:  # noqa: PLR2004 — nothing to choose from
        return parts
    cause = known.causes.get(fact.causationid or "")
    return [part for part in parts if cause and cause.type in part.hears] or parts


def _missing(choreography: Choreography, known: Known, settled: set[str]) -> Letter | None:
    """The first that was not handled: its step has neither been done since, nor is it forbidden.

    What was thrown away is missed only by steps that the saga waits for. If nothing has been done yet, it is as if it
    had never been said.
    """
    missing = []
    for letter in known.letters.values():
        hearer = choreography.hearer(letter.service, letter.type)
        is_missed = letter.trouble == PARKED or (
            letter.trouble == DISCARDED and hearer and choreography.waits_for(hearer)
        )
        if is_missed and not (hearer and hearer.id in settled):
            missing.append(letter)
    return min(missing, key=lambda letter: (letter.trouble != PARKED, letter.parked_at, letter.service), default=None)


def _stuck(choreography: Choreography, letter: Letter, remaining: tuple[str, ...], since: datetime | None) -> Standing:
    hearer = choreography.hearer(letter.service, letter.type)
    waits = hearer.id if hearer else letter.service
    rest = tuple(name for name in remaining if name != waits)
    at = datetime.fromtimestamp(letter.changed_at, UTC)
    return Standing(State.STUCK, (waits, *rest), since or at, letter.trouble, letter.words)


def _letter(heard: Overheard) -> Letter | None:
    """What a diversion tells of a letter; a message that is to be tried again is none."""
    told = heard.diverted
    if told is None or told.course is Course.RETRIED:
        return None
    at = told.at.timestamp()
    return Letter(
        told.service,
        heard.id,
        heard.type,
        parked_at=at if told.course is Course.PARKED else 0.0,
        replayed_at=at if told.course is Course.REPLAYED else 0.0,
        discarded_at=at if told.course is Course.DISCARDED else 0.0,
        words=told.reason if told.error in told.reason else f"{told.error}: {told.reason}",
    )
