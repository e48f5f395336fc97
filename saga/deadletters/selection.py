"""Which letters are meant."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from saga.errors import CannotStart


class Told(Protocol):
    """A letter, or the record of one: what can be chosen by."""

    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def parked_at(self) -> datetime: ...
    @property
    def words(self) -> str: ...


T = TypeVar("T", bound=Told)


@dataclass(frozen=True, slots=True)
class Selection:
    """Those of which all of this is true. `words` stand somewhere in why it parked, in capitals or not."""

    ids: Collection[str] = ()
    type: str | None = None
    words: str = ""
    older: timedelta | None = None
    newer: timedelta | None = None

    def of(self, letters: Iterable[T]) -> list[T]:
        """Those that are meant, in their order. Raises CannotStart when one that is named isn't there."""
        letters, now = list(letters), datetime.now(UTC)
        if missing := sorted(set(self.ids) - {letter.id for letter in letters}):
            raise CannotStart(f"no dead letter {', '.join(missing)}", "'saga dead list' tells which there are")
        return [letter for letter in letters if self._means(letter, now - letter.parked_at)]

    def _means(self, letter: Told, age: timedelta) -> bool:
        return (
            (not self.ids or letter.id in self.ids)
            and self.type in {None, letter.type}
            and self.words.casefold() in letter.words.casefold()
            and (self.older is None or age >= self.older)
            and (self.newer is None or age <= self.newer)
        )
