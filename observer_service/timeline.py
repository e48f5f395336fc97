"""A saga's story as rows of a page: what was said, and what became of what could not be handled, as it happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from observer_service.telling import DiversionShown, EventShown, StoryShown

TRACED = 4
"""The parts of a `traceparent` (W3C Trace Context): version, trace, parent, flags."""


@dataclass(frozen=True)
class Row:
    """A row: an event, or a diversion. `at` is the row's number, from 1; `undone` is that of what it undoes.

    `begins` and `lasts` say when it came about and what that took, as shares of the whole story.
    """

    key: str
    at: int
    time: datetime
    event: EventShown | None = None
    diversion: DiversionShown | None = None
    cause: "Row | None" = None
    undone: "Row | None" = None
    lane: int = 0
    begins: float = 0.0
    lasts: float = 0.0


@dataclass(frozen=True)
class Bracket:
    """Joins what undoes to what is undone; those further out enclose the others."""

    first: int
    last: int
    lane: int


def rows(story: StoryShown) -> list[Row]:
    """In causal order; what became of a message stands after it, when it happened."""
    told: list[Row] = []
    by_id: dict[str, Row] = {}
    start, whole = _span(story)
    for number, entry in enumerate(_merged(story), 1):
        if isinstance(entry, DiversionShown):
            key = _key(entry.service, entry.id, entry.course, entry.at.isoformat())
            told.append(Row(key, number, entry.at, diversion=entry, cause=by_id.get(entry.id)))
            continue
        ends = (entry.time - start).total_seconds() / whole
        lasts = min(max((entry.seconds or 0) / whole, 0), ends)
        row = Row(
            key=_key(entry.id, entry.source),
            at=number,
            time=entry.time,
            event=entry,
            cause=by_id.get(entry.causationid or ""),
            undone=_undone(told, entry),
            begins=round(max(ends - lasts, 0), 4),
            lasts=round(lasts, 4),
        )
        by_id.setdefault(entry.id, row)
        told.append(row)
    return told


def brackets(told: Sequence[Row]) -> list[Bracket]:
    """Each as near as it can be: outside of those that it encloses."""
    placed: list[Bracket] = []
    pairs = [(row.undone.at, row.at) for row in told if row.undone]
    for first, last in sorted(pairs, key=lambda pair: pair[1] - pair[0]):
        crossed = [one.lane for one in placed if one.first <= last and first <= one.last]
        placed.append(Bracket(first, last, max(crossed, default=0) + 1))
    return placed


def trace_of(story: StoryShown) -> str | None:
    """The trace to which its first traced event belongs."""
    for event in story.events:
        parts = (event.traceparent or "").split("-")
        if len(parts) == TRACED and parts[1].isalnum():
            return parts[1]
    return None


def _merged(story: StoryShown) -> list[EventShown | DiversionShown]:
    merged: list[EventShown | DiversionShown] = list(story.events)
    for diversion in story.diversions:
        after = [
            i
            for i, entry in enumerate(merged)
            if (entry.id == diversion.id if isinstance(entry, EventShown) else entry.at <= diversion.at)
            or (isinstance(entry, EventShown) and entry.time <= diversion.at)
        ]
        merged.insert(max(after, default=len(merged) - 1) + 1, diversion)
    return merged


def _undone(told: Sequence[Row], entry: EventShown) -> Row | None:
    """The last thing that the undone step has said, if it said anything but a refusal."""
    if entry.undoes is None:
        return None
    done = [row for row in told if row.event and row.event.step == entry.undoes and not row.event.refuses]
    return done[-1] if done else None


def _span(story: StoryShown) -> tuple[datetime, float]:
    """When it began, and how many seconds it took from the first event to the last."""
    times = [event.time for event in story.events] or [story.began_at]
    return min(times), max((max(times) - min(times)).total_seconds(), 0.001)


def _key(*parts: str) -> str:
    """An id for the row's element, whatever stands in the event's."""
    return "row-" + blake2b("\0".join(parts).encode(errors="replace"), digest_size=6).hexdigest()
