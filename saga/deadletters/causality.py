"""In which order letters are to be handled again."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import count

from saga.causality import causes_first
from saga.deadletters.letter import Letter


def in_causal_order(letters: Iterable[Letter]) -> list[Letter]:
    """Saga by saga, in the order of their first letters; within each causes before effects, and else by time.

    What caused a letter without being among them is told by its time alone. Letters of no saga stand for themselves.
    """
    alone = count()
    sagas: defaultdict[object, list[Letter]] = defaultdict(list)
    for letter in letters:
        sagas[next(alone) if letter.saga_id is None else letter.saga_id].append(letter)
    ordered = [causes_first(saga) for saga in sagas.values()]
    return [letter for saga in sorted(ordered, key=lambda saga: saga[0].time) for letter in saga]
