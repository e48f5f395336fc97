"""A look at the books of services that keep them together, page by page."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar, cast

from saga.audit.archive import MOST, Archive, Span
from saga.audit.comparing import Account, Opened, Suspect, merged, odd

T = TypeVar("T")


@dataclass(slots=True)
class Look:
    """What was seen. Of what is odd only so much is kept, and `whole` tells if that was all."""

    sagas: int = 0
    unfinished: int = 0
    oldest: tuple[datetime, str] | None = None
    undecided: dict[str, list[str]] = field(default_factory=dict)
    suspects: dict[str, Suspect] = field(default_factory=dict)
    opened: dict[str, datetime] = field(default_factory=dict)
    whole: bool = True

    def note(self, account: Account, opened: datetime) -> bool:
        """Whether its books differ. As long as it is on its way they may."""
        if undecided := account.undecided:
            self.unfinished += 1
            self.oldest = min(self.oldest or (opened, account.saga), (opened, account.saga))
            if len(self.undecided) < MOST:
                self.undecided[account.saga] = undecided
                self.opened[account.saga] = opened
        return not undecided and bool(account.differences)


class Circle:
    """`keepers` keep books together. `everyone` may have something on its way that changes them.

    `carried` are sagas that are looked at whether or not they have changed.
    """

    def __init__(self, keepers: Sequence[Archive], everyone: Sequence[Archive]) -> None:
        self._keepers = keepers
        self._everyone = everyone
        self.carried: dict[str, datetime] = {}

    @property
    def books(self) -> dict[str, list[str]]:
        """Their keepers, by book."""
        keepers: dict[str, list[str]] = {}
        for book in chain.from_iterable(archive.books for archive in self._keepers):
            keepers.setdefault(book.name, []).append(book.keeper)
        return keepers

    def carry(self, look: Look, odd: Iterable[str | None]) -> None:
        """Look at these again in the next round, and at what was on its way."""
        ids = (*look.undecided, *(saga for saga in odd if saga in look.opened))
        self.carried = {saga: look.opened[saga] for saga in ids}

    async def look(self, span: Span, size: int) -> Look:
        """At every saga of the span and at those carried over. It ends early where too much differs."""
        found = Look()
        carried = dict(self.carried)
        after: str | None = None
        while True:
            async with self._snapshots():
                pages = await together(archive.sagas(span, after, size) for archive in self._keepers)
                page, after = merged(pages, size)
                await self._note(found, page)
            for saga in page:
                carried.pop(saga, None)
            if len(found.suspects) >= MOST:
                found.whole = False
                return found
            if after is None:
                break
        await self._look_at(found, carried)
        return found

    async def look_again(self, first: Look) -> Look:
        """At what differed at the first look."""
        found = Look()
        await self._look_at(found, {saga: first.opened[saga] for saga in first.suspects})
        return found

    async def _look_at(self, found: Look, sagas: Opened) -> None:
        if sagas:
            async with self._snapshots():
                await self._note(found, sagas)

    async def _note(self, found: Look, sagas: Opened) -> None:
        ids = sorted(sagas)
        books = await together(archive.entries(ids) for archive in self._keepers)
        found.sagas += len(ids)
        accounts = odd(ids, list(chain.from_iterable(books)))
        differing = [account for account in accounts if found.note(account, sagas[account.saga])]
        found.opened.update((account.saga, sagas[account.saga]) for account in differing)
        found.suspects.update(await self._suspects(differing))

    async def _suspects(self, differing: Sequence[Account]) -> dict[str, Suspect]:
        """With what tells, at the same moment, whether anything is on its way for them."""
        ids = [account.saga for account in differing]
        if not ids:
            return {}
        waiting = await together(archive.waiting(ids) for archive in self._everyone)
        traces = await together(archive.traces(ids) for archive in self._everyone)
        return {
            account.saga: Suspect(
                account.saga,
                account.differences,
                trace="; ".join(steps.get(account.saga, "") for steps in traces),
                waiting=tuple(rows[account.saga] for rows in waiting if account.saga in rows),
            )
            for account in differing
        }

    @asynccontextmanager
    async def _snapshots(self) -> AsyncIterator[None]:
        """One of each database, a page long: at moments that are close to each other, and not the same."""
        async with AsyncExitStack() as stack:
            for archive in self._everyone:
                await stack.enter_async_context(archive.snapshot())
            yield


async def together(questions: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All answers. If somebody fails, the others are waited for first: a connection does one thing at a time."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return cast("list[T]", answers)
