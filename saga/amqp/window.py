"""Messages that are published together, and what the broker says of each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from saga.amqp.content import Content


@dataclass(frozen=True, slots=True)
class Window:
    """What became of the messages of a window, by their index. Nothing is known of the others, because of `lost`."""

    confirmed: list[int]
    returned: list[int]
    lost: Exception | None


class NotTaken(Exception):
    """The broker says that it could not take a message into its queues."""


@dataclass(slots=True)
class Outstanding:
    """A window of which not all has been told; its first message has the publish number `first`."""

    first: int
    contents: Sequence[Content]
    told: asyncio.Future[None]
    confirmed: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    refused: int = 0

    def tell(self, number: int, *, taken: bool) -> None:
        if taken:
            self.confirmed.append(number - self.first)
        else:
            self.refused += 1
        if len(self.confirmed) + self.refused == len(self.contents) and not self.told.done():
            self.told.set_result(None)

    def outcome(self, lost: Exception | None) -> Window:
        """A message that came back has been confirmed as well: that no queue takes it is all there is to it."""
        lost = lost or (NotTaken(f"{self.refused} messages were refused") if self.refused else None)
        if not self.returned:
            return Window(self.confirmed, [], lost)
        returned = set(self.returned)
        return Window([index for index in self.confirmed if index not in returned], sorted(returned), lost)


class Confirms:
    """Which publishes of a channel the broker has not yet told us of."""

    def __init__(self) -> None:
        self._published = 0
        self._oldest = 1
        self._open: dict[int, Outstanding] = {}

    def expect(self, contents: Sequence[Content]) -> Outstanding:
        window = Outstanding(self._published + 1, contents, asyncio.get_running_loop().create_future())
        self._published += len(contents)
        self._open.update(dict.fromkeys(range(window.first, self._published + 1), window))
        if not contents:
            window.told.set_result(None)
        return window

    def told(self, number: int, *, multiple: bool, taken: bool) -> None:
        """Of one publish, or of all up to it."""
        for each in range(self._oldest, number + 1) if multiple else (number,):
            if window := self._open.pop(each, None):
                window.tell(each, taken=taken)
        if multiple:
            self._oldest = number + 1

    def returned(self, message_id: str | None) -> None:
        """A message came back; its confirm is still to come. Those that wait longest are looked at first."""
        for number, window in self._open.items():
            index = number - window.first
            if window.contents[index].message_id == message_id and index not in window.returned:
                window.returned.append(index)
                return

    def lose(self, error: Exception) -> None:
        """Nothing more will be told."""
        for window in {id(window): window for window in self._open.values()}.values():
            if not window.told.done():
                window.told.set_exception(error)
        self._open.clear()
