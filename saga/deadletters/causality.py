"""In which order letters are to be handled again."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from itertools import count

from saga.deadletters.letter import Letter


def in_causal_order(letters: Iterable[Letter]) -> list[Letter]:
    """Saga by saga, in the order of their first letters; within each causes before effects, and else by time.

    What caused a letter without being among them is told by its time alone. Letters of no saga stand for themselves.
    """
    alone = count()
    sagas: defaultdict[object, list[Letter]] = defaultdict(list)
    for letter in letters:
        sagas[next(alone) if letter.saga_id is None else letter.saga_id].append(letter)
    ordered = [_causes_first(saga) for saga in sagas.values()]
    return [letter for saga in sorted(ordered, key=lambda saga: saga[0].time) for letter in saga]


def _causes_first(saga: Sequence[Letter]) -> list[Letter]:
    """The earliest whose cause isn't waiting any more; where letters name each other in a circle, the earliest."""
    waiting = dict(enumerate(sorted(saga, key=lambda letter: (letter.time, letter.parked_at))))
    names = {letter.event_id for letter in saga}
    effects: defaultdict[str, list[int]] = defaultdict(list)
    free = []
    for place, letter in waiting.items():
        cause = letter.causationid
        if cause is not None and cause != letter.event_id and cause in names:
            effects[cause].append(place)
        else:
            free.append(place)
    ordered = []
    while waiting:
        chosen = waiting.pop(heappop(free) if free else next(iter(waiting)), None)
        if chosen is not None:
            ordered.append(chosen)
            for place in effects.pop(chosen.event_id, ()):
                heappush(free, place)
    return ordered
