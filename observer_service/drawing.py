"""The choreography as a picture: boxes, marks for events and the lines between them, in units of its own."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from observer_service.layout import Cell, cells
from saga import Kind
from saga.choreography import Choreography, Part

BOX = 88
"""How high a box is."""
STRIP = 92
"""Below each lane: there what is refused leaves it."""
LETTER = 8.2
"""How wide a letter is, at most."""
MARGIN = 26


@dataclass(frozen=True, slots=True)
class Box:
    part: Part
    x: float
    y: float
    width: float
    is_backward: bool

    @property
    def lines(self) -> tuple[str, str]:
        """Its name in words, on two lines."""
        return halves(self.part.name)

    @property
    def middle(self) -> float:
        return self.y + BOX / 2


@dataclass(frozen=True, slots=True)
class Mark:
    """An event, on its way from who says it to who hears it. One that is `beside` leaves the lane of its speaker."""

    type: str
    x: float
    y: float
    beside: bool
    is_final: bool

    @property
    def lines(self) -> tuple[str, str]:
        """Of whom it tells, and what: `payment.captured.v1` is payment, captured."""
        subject, _, rest = self.type.partition(".")
        return subject, rest.rpartition(".")[0].replace("_", " ") or rest

    @property
    def name(self) -> str:
        return short(self.type)


@dataclass(frozen=True, slots=True)
class Line:
    """A path on which events of a type go, to one who hears it or as far as its mark."""

    path: str
    type: str
    is_backward: bool
    arrives: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    width: float
    height: float
    boxes: tuple[Box, ...]
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]


def short(event_type: str) -> str:
    """Without its version."""
    name, _, version = event_type.rpartition(".")
    return name if name and version[:1] == "v" and version[1:].isdigit() else event_type


def halves(name: str) -> tuple[str, str]:
    """Words on two lines, about equally long."""
    words = name.split("_")
    cut = min(range(1, len(words) + 1), key=lambda n: (max(len(" ".join(words[:n])), len(" ".join(words[n:]))), n))
    return " ".join(words[:cut]), " ".join(words[cut:])


def draw(choreography: Choreography) -> Drawing:
    placed = cells(choreography)
    width = max([116.0, *(24 + LETTER * len(line) for name in placed for line in halves(name.partition(".")[2]))])
    said = [word for t in choreography.types for word in t.split(".")[:2] if "_" not in word]
    gap = max([92.0, *(26 + LETTER * len(word) for word in said)])
    lanes = {lane: MARGIN + lane * (BOX + STRIP) for lane in range(len(placed) + 1)}
    lowest = max((cell.lane for cell in placed.values()), default=0)
    columns = max((cell.column for cell in placed.values()), default=0)
    beneath = _beneath(choreography, placed)

    def drawn(left: float) -> tuple[dict[str, Box], dict[str, Mark]]:
        boxes = {
            name: Box(choreography.parts[name], left + c.column * (width + gap), lanes[c.lane], width, name in beneath)
            for name, c in placed.items()
        }
        return boxes, {mark.type: mark for mark in _apart(_marks(choreography, boxes, gap))}

    left = float(MARGIN)
    boxes, marks = drawn(left)
    if any(mark.x < MARGIN for mark in marks.values()):  # something comes from outside, or leaves, on the left
        left += gap
        boxes, marks = drawn(left)
    return Drawing(
        width=left + MARGIN + (columns + 1) * (width + gap) - gap * 0.4,
        height=lanes[lowest] + BOX + 62,
        boxes=tuple(boxes.values()),
        marks=tuple(marks.values()),
        lines=tuple(_lines(boxes, marks)),
    )


def _beneath(choreography: Choreography, placed: Mapping[str, Cell]) -> set[str]:
    first = min((placed[name].lane for name in placed if choreography.parts[name].undoes), default=len(placed))
    return {name for name, cell in placed.items() if cell.lane >= first}


def _marks(choreography: Choreography, boxes: Mapping[str, Box], gap: float) -> Iterator[Mark]:
    """Where it is said; what nobody here says comes from the left of who hears it."""
    told: set[str] = set()
    for box in boxes.values():
        part = box.part
        heard = [said for said in part.says if said in choreography.continuing]
        beside = {said for said in part.says if said in part.refuses or (heard and said not in heard and part.undoes)}
        for kind, types in ((False, part.says - beside), (True, beside)):
            for row, said in enumerate(sorted(types - told)):
                told.add(said)
                goes_left = box.is_backward or kind
                x = box.x - gap / 2 if goes_left else box.x + box.width + gap / 2
                y = box.y + BOX + STRIP / 2 if kind else box.middle
                if kind and box.is_backward:
                    x, y = box.x + box.width * 0.3, box.y + BOX + 36
                yield Mark(said, x, y + row * 40, kind, said not in choreography.continuing)
    for box in boxes.values():
        for row, heard_type in enumerate(sorted(box.part.hears - told)):
            told.add(heard_type)
            yield Mark(heard_type, box.x - gap / 2, box.middle + row * 40, beside=False, is_final=False)


def _apart(marks: Iterable[Mark]) -> Iterator[Mark]:
    """None in the place of another: beneath it."""
    taken: set[tuple[float, float]] = set()
    for mark in marks:
        y = mark.y
        while (mark.x, y) in taken:
            y += 40
        taken.add((mark.x, y))
        yield replace(mark, y=y)


def _lines(boxes: Mapping[str, Box], marks: Mapping[str, Mark]) -> Iterator[Line]:
    for box in boxes.values():
        if not box.part.hears and box.part.kind in {Kind.ENTRY, Kind.PIVOT, Kind.COMPENSATABLE, Kind.RETRIABLE}:
            start, end = (box.x + box.width + 24, box.x + box.width) if box.is_backward else (box.x - 24, box.x)
            yield Line(f"M{start:.0f},{box.middle:.0f}H{end:.0f}", "", box.is_backward, arrives=True)
        for said in sorted(box.part.says):
            yield Line(_leaving(box, marks[said]), said, box.is_backward, arrives=False)
    for mark in marks.values():
        for box in boxes.values():
            if mark.type in box.part.hears:
                yield Line(_arriving(mark, box), mark.type, box.is_backward, arrives=True)


def _leaving(box: Box, mark: Mark) -> str:
    if mark.beside:
        x, y = box.x + box.width * 0.3, box.y + BOX
        return _falling(x, y, mark.x, mark.y)
    return _flowing(box.x if mark.x < box.x else box.x + box.width, box.middle, mark.x, mark.y)


def _arriving(mark: Mark, box: Box) -> str:
    if box.y <= mark.y <= box.y + BOX or box.is_backward is False:
        return _flowing(mark.x, mark.y, box.x if mark.x < box.x else box.x + box.width, box.middle)
    return _falling(mark.x, mark.y, box.x + box.width * 0.7, box.y)


def _flowing(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (to_x - x) / 2
    return f"M{x:.0f},{y:.0f}C{x + bend:.0f},{y:.0f} {to_x - bend:.0f},{to_y:.0f} {to_x:.0f},{to_y:.0f}"


def _falling(x: float, y: float, to_x: float, to_y: float) -> str:
    bend = (to_y - y) * 0.75
    return f"M{x:.0f},{y:.0f}C{x:.0f},{y + bend:.0f} {to_x:.0f},{to_y - bend:.0f} {to_x:.0f},{to_y:.0f}"


def chips(told: Iterable[tuple[str, int, str]], width: float) -> list[tuple[str, int, str, float, float]]:
    """What went wrong, as labels side by side in the middle of so much room: `(icon, number, words)`, x and width."""
    shown = [(icon, number, words, 24 + 7.4 * len(f"{number:,}")) for icon, number, words in told if number]
    x = (width - sum(room + 4 for *_, room in shown) + 4) / 2
    placed = []
    for icon, number, words, room in shown:
        placed.append((icon, number, words, x, room))
        x += room + 4
    return placed
