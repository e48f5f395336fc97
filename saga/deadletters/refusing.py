"""Answering a letter for its service: with the refusal that the service declares for the step."""

from dataclasses import replace

from events import Envelope, Event
from saga.deadletters.databases import Rooms
from saga.deadletters.letter import Letter
from saga.declarations import Step
from saga.errors import CannotStart
from saga.messages import Kind, Refusal
from saga.participant import Participant
from saga.tracing import passed_on

REFUSED = "refused_by_operator"


async def refuse(letter: Letter, databases: Rooms, reason: str = REFUSED, detail: str = "") -> list[Envelope[Event]]:
    """Have its step refused, and remove it; the events that are said, which the service publishes as its own.

    Raises CannotStart, and nothing has happened, when that step can't be refused, or has been entered already.
    """
    step = refusable(letter)
    assert letter.saga_id is not None  # noqa: S101 — else it isn't refusable
    refusal = Refusal(saga=letter.saga_id, reason=reason, detail=detail)
    async with databases.of(letter.service) as pool:
        participant = Participant(letter.service, pool)
        cause = participant.asked(refusal, "operator", letter.id)
        if letter.envelope is not None:
            cause = replace(cause, traceparent=passed_on(letter.envelope))
        said = await participant.refuse(step, refusal, cause)
    if said is None:
        problem = f"{letter.service.name} has done {step.name} of {letter.saga_id} already, or will never do it"
        raise CannotStart(problem, "replay the letter, which then changes nothing, or discard it")
    await letter.remove()
    return said


def refusable(letter: Letter) -> Step:
    """The step that is refused. Raises CannotStart, with what can be done instead."""
    service, step = letter.service, letter.step
    if step is None:
        raise CannotStart(f"{service.name} doesn't hear {letter.type!r}, so there is nothing to refuse", "discard it")
    if step.name not in service.refusals:
        raise CannotStart(
            f"{service.name}'s {step.name} {_WHY.get(step.kind, _UNDECLARED)}", "mend the cause and replay"
        )
    if letter.saga_id is None:
        raise CannotStart(f"nobody can tell which saga letter {letter.id} belongs to", "discard it")
    return step


_UNDECLARED = "declares no refusal"
_WHY = {
    Kind.COMPENSATION: "undoes something, and an undo can't be refused",
    Kind.LISTENER: "only listens, and has nothing to refuse",
    Kind.RETRIABLE: "comes after the point of no return, and can't be refused",
    Kind.PIVOT: "is the point of no return, and can't be refused by hand",
}
