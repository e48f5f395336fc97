"""Giving letters back to the service that failed."""

from collections.abc import Iterator, Sequence

from saga.broker import Names
from saga.deadletters.letter import Letter
from saga.errors import BrokerAway, CannotStart
from saga.publisher import Outgoing, Publisher
from saga.retries import REPLAYED_AT, copied, now

WINDOW = 200


async def replay(letters: Sequence[Letter], publisher: Publisher) -> None:
    """Put each into the queue of its service again, in this order, as if it had failed there for the first time.

    It keeps its identity and its body, and leaves the dead letters when the broker has confirmed it: if that comes to
    nothing in between it is in both, and is handled once.
    """
    for window in _windows(letters):
        outcome = await publisher.publish([again(letter) for letter in window])
        for index in outcome.confirmed:
            await window[index].remove()
        if outcome.lost is not None:
            raise BrokerAway(str(outcome.lost))
        if outcome.returned:
            raise CannotStart(f"{window[outcome.returned[0]].service.name} has no queue", "run 'saga provision'")


def again(letter: Letter) -> Outgoing:
    """To the service's own queue, never to the topic: others have handled it. No attempt of it has been made yet."""
    names = Names(letter.service.name)
    message = copied(letter.message, (letter.exchange, letter.type), {REPLAYED_AT: now()}, letter.envelope)
    return Outgoing(message, names.retry_exchange, names.queue)


def _windows(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """No id twice in one, since their confirms could be mistaken for each other."""
    window: dict[str, Letter] = {}
    for letter in letters:
        name = letter.message.message_id or letter.id
        if len(window) == WINDOW or name in window:
            yield list(window.values())
            window = {}
        window[name] = letter
    if window:
        yield list(window.values())
