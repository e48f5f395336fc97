"""Holding books against each other: which sagas differ, and which differences are breaches. Values in, values out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from saga.audit.report import Breach, Doubt
from saga.errors import ChoreographyError
from saga.laws import Book
from saga.service import Service

Told = Mapping[str, str | None]
"""What each keeper of a book says of one saga."""

Opened = Mapping[str, datetime]
"""Sagas, and since when they are known."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A book, and its entries of some sagas."""

    book: Book
    entries: Mapping[str, str | None]

    def says(self, saga: str) -> str | None:
        return self.entries.get(saga, self.book.unknown)


@dataclass(frozen=True, slots=True)
class Account:
    """What all keepers of all books say of one saga, by book."""

    saga: str
    books: Mapping[str, Told]

    @property
    def undecided(self) -> list[str]:
        """The keepers for whom the saga is still on its way, in some book."""
        return sorted({keeper for told in self.books.values() for keeper, entry in told.items() if entry is None})

    @property
    def differences(self) -> dict[str, Told]:
        """The books of which not all keepers say the same."""
        return {book: told for book, told in self.books.items() if len(set(told.values())) > 1}


@dataclass(frozen=True, slots=True)
class Suspect:
    """A saga whose books differ, as it was at one look: `trace` is the steps that were entered, `waiting` is what was
    known to be on its way.
    """

    saga: str
    differences: Mapping[str, Told]
    trace: str = ""
    waiting: tuple[str, ...] = ()


def odd(sagas: Iterable[str], books: Sequence[Kept]) -> Iterator[Account]:
    """The sagas of which not all keepers of a book say the same, or one can't tell yet."""
    by_name: dict[str, list[Kept]] = {}
    for kept in books:
        by_name.setdefault(kept.book.name, []).append(kept)
    columns = [[(kept.entries.get, kept.book.unknown) for kept in same] for same in by_name.values()]
    for saga in sagas:
        if not all(_alike([says(saga, unknown) for says, unknown in column]) for column in columns):
            yield Account(saga, {name: {k.book.keeper: k.says(saga) for k in same} for name, same in by_name.items()})


def _alike(told: Sequence[str | None]) -> bool:
    return told[0] is not None and told.count(told[0]) == len(told)


def judge(first: Suspect, again: Suspect | None, behind: Sequence[str]) -> Iterator[Breach | Doubt]:
    """What has become of a difference at a second look.

    It is a breach if it has stayed as it was, and nothing was on its way that could have healed it: no event to
    publish, no open call, no step entered between the looks, and no message in a queue, since all of them were empty
    meanwhile, or else `behind` says which was not. A difference that is gone has healed.
    """
    if again is None:
        return
    for law, told in again.differences.items():
        breach = Breach(law, sentence(told), again.saga)
        why = _doubt(first, again, behind)
        yield Doubt(breach, why) if why else breach


def _doubt(first: Suspect, again: Suspect, behind: Sequence[str]) -> str | None:
    if waiting := again.waiting or first.waiting:
        return ", ".join(waiting)
    if (first.differences, first.trace) != (again.differences, again.trace):
        return "it is still moving"
    return ", ".join(behind) or None


def sentence(told: Told) -> str:
    """`order 9980 EUR, gateway 19960 EUR`"""
    return ", ".join(f"{keeper} {entry}" for keeper, entry in told.items())


def merged(pages: Sequence[Opened], size: int) -> tuple[Opened, str | None]:
    """The sagas of whom nobody knows more than these pages tell, and the id after which to go on, if there are more.

    Pages are in the order of their ids. Beyond the last id of a full one its keeper may know more.
    """
    end = min((max(page) for page in pages if len(page) >= size), default=None)
    sagas: dict[str, datetime] = {}
    for saga, opened in chain.from_iterable(page.items() for page in pages):
        if end is None or saga <= end:
            sagas[saga] = min(opened, sagas.get(saga, opened))
    return sagas, end


def circles(services: Iterable[Service]) -> list[list[Service]]:
    """The services that keep books together, directly or through others: only they know the same sagas."""
    found: list[list[Service]] = []
    for service in services:
        near = [circle for circle in found if any(_share_a_book(service, other) for other in circle)]
        apart = [circle for circle in found if circle not in near]
        found = [*apart, [*(other for circle in near for other in circle), service]]
    for circle in found:
        _refuse_namesakes(circle)
    return found


def _share_a_book(one: Service, other: Service) -> bool:
    return bool({book.name for book in _books(one)} & {book.name for book in _books(other)})


def _books(service: Service) -> list[Book]:
    return [rule for rule in service.laws.rules if isinstance(rule, Book)] if service.laws else []


def _refuse_namesakes(circle: Iterable[Service]) -> None:
    keepers = [(book.name, book.keeper) for service in circle for book in _books(service)]
    for name, keeper in keepers:
        if keepers.count((name, keeper)) > 1:
            raise ChoreographyError(f"two keepers of the book {name!r} are called {keeper!r}")
