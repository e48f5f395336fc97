"""Which event a participant's step hears, and which undo it."""

from collections.abc import Mapping, Sequence
from itertools import chain

from events import Event
from infra.new.errors import CannotHear, NobodySays, Unproven
from infra.new.participant import Participant
from saga import Kind, Service
from saga.checking import check
from saga.choreography import Choreography

FORWARD_ONLY = frozenset({Kind.PIVOT, Kind.RETRIABLE})
DOCS = "docs/writing-a-participant.md"


def choose(services: Sequence[Service], name: str, hears: str, undone_by: Sequence[str] = ()) -> Participant:
    """Who hears this and is undone by that; by what tells of the undo of what is heard, if it isn't said.

    Raises NobodySays or CannotHear, or Unproven with the story in which something is left done.
    """
    said = {event.event_type: event for service in services for event in service.said}
    for event_type in (hears, *undone_by):
        if event_type not in said:
            raise NobodySays(event_type, said)
    choreography = Choreography.of(services)
    if why := _unsuitable(choreography, hears):
        others = [event_type for event_type in sorted(said) if not _unsuitable(choreography, event_type)]
        raise CannotHear(hears, f"{why}. It may with {', '.join(others)}; for others write the handler, see {DOCS}")
    undoing = dict.fromkeys(said[event_type] for event_type in undone_by) or _told_of_its_undo(services, said[hears])
    if said[hears] in undoing:
        raise CannotHear(hears, "the same event can't undo it")
    if not undoing:
        raise CannotHear(hears, "what undoes it isn't known, so say it with --undone-by TYPE")
    participant = Participant(name, said[hears], tuple(undoing))
    if findings := check([*services, participant.service()], repeats=1).findings:
        raise Unproven(name, findings[0])
    return participant


def _unsuitable(choreography: Choreography, event_type: str) -> str:
    """Why a step that hears it could never be undone."""
    speakers = [part for part in choreography.parts.values() if event_type in part.says]
    forward = [part for part in speakers if not part.undoes and event_type not in part.refuses]
    if not forward or event_type in choreography.undoing:
        return "it is said where a saga is undone"
    return "after the pivot nothing is undone" if all(part.kind in FORWARD_ONLY for part in forward) else ""


def _told_of_its_undo(services: Sequence[Service], heard: type[Event]) -> Mapping[type[Event], None]:
    """What is said when the step is undone that says what is heard."""
    told = (
        service.said_by(undo)
        for service in services
        for undo in service.steps.values()
        if undo.undoes and heard in service.said_by(service.steps[undo.undoes.name])
    )
    late = {undo.too_late for service in services for undo in service.steps.values()}
    return dict.fromkeys(event for event in chain.from_iterable(told) if event not in late)
