"""Where the steps of a choreography stand in its picture: forward steps above, what undoes them beneath.

Above, a saga runs from left to right. Beneath, what undoes a step stands under it, so that undoing runs back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from saga import Kind
from saga.choreography import Choreography, Part


@dataclass(frozen=True, slots=True)
class Cell:
    """A place for a step: lanes are counted from above, first those of forward steps, then those beneath."""

    column: int
    lane: int


def cells(choreography: Choreography) -> dict[str, Cell]:
    """A place of its own for each step, by its id."""
    parts = [part for part in choreography.parts.values() if part.is_step]
    backward = {part.id for part in parts if part.undoes or _only_cancels(choreography, part)}
    forward = [part for part in parts if part.id not in backward]
    columns = _columns(forward)
    taken: set[Cell] = set()
    placed: dict[str, Cell] = {}
    for part in sorted(forward, key=lambda part: columns[part.id]):
        before = [placed[other.id].lane for other in forward if other.says & part.hears and other.id in placed]
        placed[part.id] = _free(taken, columns[part.id], min(before, default=0))
    beneath = 1 + max((cell.lane for cell in taken), default=-1)
    for part in parts:
        if part.undoes:
            placed[part.id] = _free(taken, columns.get(part.undoes, 0), beneath)
    for part in parts:
        if part.id in backward and not part.undoes:
            after = [placed[other.id].column for said in part.says for other in choreography.continuing.get(said, ())]
            placed[part.id] = _free(taken, max(after) + 1, beneath)
    return placed


def _only_cancels(choreography: Choreography, part: Part) -> bool:
    """Whether all that follows from this entry is undoing."""
    after = [other for said in part.says for other in choreography.continuing.get(said, ())]
    return part.kind is Kind.ENTRY and bool(after) and all(other.undoes for other in after)


def _columns(forward: Iterable[Part]) -> dict[str, int]:
    """One more than the last of those that come before it."""
    after = _successors(list(forward))
    columns = dict.fromkeys(after, 0)
    for _ in after:  # a choreography that goes in circles is drawn, too
        for one, others in after.items():
            for other in others:
                columns[other] = min(max(columns[other], columns[one] + 1), len(after) - 1)
    return columns


def _successors(forward: list[Part]) -> dict[str, set[str]]:
    """Who hears what they say. A step that only its own door asks for follows the other steps of its service."""
    after = {one.id: {other.id for other in forward if one.says & other.hears} for one in forward}
    for part in forward:
        if part.kind is not Kind.ENTRY and not part.hears:
            later = _reachable(after, part.id)
            for other in forward:
                if other.service == part.service and other is not part and other.id not in later:
                    after[other.id].add(part.id)
    return after


def _reachable(after: Mapping[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = {start}
    while ahead:
        found |= ahead
        ahead = set().union(*(after[one] for one in ahead)) - found
    return found


def _free(taken: set[Cell], column: int, lane: int) -> Cell:
    while (cell := Cell(column, lane)) in taken:
        lane += 1
    taken.add(cell)
    return cell
