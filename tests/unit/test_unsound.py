"""Small choreographies that must not be proven, and some that must: what the laws see, and what they don't mind."""

from collections.abc import Callable
from datetime import timedelta
from types import UnionType
from typing import Any

import pytest

from events import AboutOrder, Event
from saga import Call, Command, Kind, Refusal, Service, Tx
from saga.checking import check
from saga.errors import ChoreographyError

Answer = type[Event | Call] | UnionType | None


class Place(AboutOrder, Command):
    pass


class Cancel(AboutOrder, Command):
    pass


class Placed(AboutOrder, Event, event_type="toy.placed.v1", exchange="front"):
    pass


class Cancelled(AboutOrder, Event, event_type="toy.cancelled.v1", exchange="front"):
    pass


class Reserved(AboutOrder, Event, event_type="toy.reserved.v1", exchange="stock"):
    pass


class Released(AboutOrder, Event, event_type="toy.released.v1", exchange="stock", final=True):
    pass


class Sent(AboutOrder, Event, event_type="toy.sent.v1", exchange="post"):
    pass


class NotSent(AboutOrder, Event, event_type="toy.not_sent.v1", exchange="post"):
    pass


class Unsent(AboutOrder, Event, event_type="toy.unsent.v1", exchange="post"):
    pass


class Filed(AboutOrder, Event, event_type="toy.filed.v1", exchange="files", final=True):
    pass


class NotFiled(AboutOrder, Event, event_type="toy.not_filed.v1", exchange="files", final=True):
    pass


class Noted(AboutOrder, Event, event_type="toy.noted.v1", exchange="club", final=True):
    pass


def handler(name: str, answer: Answer, takes: int = 1) -> Callable[..., Any]:
    """Of this name, with this answer; only its annotations matter."""

    async def nothing(*_: object) -> None: ...

    nothing.__name__ = name
    nothing.__annotations__ = {f"fact{number}": object for number in range(takes)} | {"tx": Tx, "return": answer}
    return nothing


def front(*, cancels: bool = True) -> Service:
    service = Service("front")
    service.on(Place)(handler("place", Placed))
    if cancels:
        service.on(Cancel)(handler("cancel", Cancelled))
    return service


def stock(undo: type[Event] = Cancelled, kind: Kind | None = None) -> Service:
    service, reserve = Service("stock"), handler("reserve", Reserved)
    service.on(Placed, kind=kind)(reserve)
    service.on(undo, undoes=reserve)(handler("release", Released))
    return service


def findings(*services: Service) -> str:
    return "\n".join(map(str, check(services, repeats=2).findings))


def test_commands_of_one_name_are_asked_apart() -> None:
    """Each of two services has a door of its own: who is asked to give up is one of them, and not both."""

    def giving_up(service: Service, hears: type[Event], says: type[Event], undone: type[Event]) -> Service:
        class GiveUp(AboutOrder, Command):
            pass

        do = handler(f"do_{service.name}", says)
        service.on(hears)(do)
        service.on(GiveUp, undoes=do)(handler(f"undo_{service.name}", undone))
        return service

    post = giving_up(Service("post"), Reserved, Filed, NotFiled)
    told = findings(front(cancels=False), giving_up(Service("stock"), Placed, Reserved, Released), post)
    assert "post.do_post is blocked, since its undo came first, and stock.do_stock is done: nothing undoes it" in told
    assert "somebody asks post.GiveUp" in told


def test_a_silent_pivot_is_followed_with_the_silent() -> None:
    """Nobody hears of it, and nothing may be undone after it all the same."""
    post = Service("post")
    post.on(Placed, kind=Kind.PIVOT)(handler("hand_over", None))
    silent, keep = Service("keeper"), handler("keep", None)
    silent.on(Placed)(keep)
    silent.on(Cancelled, undoes=keep)(handler("let_go", None))
    assert "the pivot post.hand_over has passed, and keeper.keep" in findings(front(), post, silent)


def test_nothing_undoes_a_pivot() -> None:
    post, send = Service("post"), handler("send", Sent)
    post.on(Reserved, kind=Kind.PIVOT)(send)
    post.on(Cancelled, undoes=send)(handler("unsend", Unsent))
    told = findings(front(), stock(Unsent), post)
    assert "post.unsend undoes post.send, which is pivot: what it has done stays done" in told
    assert "the pivot post.send has passed, and post.send is " in told


def test_nothing_undoes_what_is_retriable() -> None:
    told = findings(front(), stock(kind=Kind.RETRIABLE))
    assert "stock.release undoes stock.reserve, which is retriable: what it has done stays done" in told


def test_a_second_pivot_may_not_refuse_after_the_first() -> None:
    post, files, keep = Service("post"), Service("files"), handler("file", Filed | NotFiled)
    post.on(Placed, kind=Kind.PIVOT)(handler("send", Sent))
    files.on(Sent, kind=Kind.PIVOT)(keep)

    @files.refuses(keep)
    async def give_up(_: Refusal, __: Tx) -> NotFiled: ...  # type: ignore[empty-body] # only its annotations matter

    assert "the pivot post.send has passed, and files.file has refused" in findings(front(cancels=False), post, files)


def test_a_join_that_waits_in_vain_is_found_beside_any_last_word() -> None:
    """Somebody else has said how it ended for him: that ends nothing for who waits."""
    post, pack, ship, club = (Service(name) for name in ("post", "stock", "files", "club"))
    post.on(Placed, kind=Kind.RETRIABLE)(handler("send", Sent | None))
    pack.on(Placed, kind=Kind.RETRIABLE)(handler("pack", Reserved))
    ship.join(Sent, Reserved, kind=Kind.RETRIABLE)(handler("file", Filed, takes=2))
    club.on(Placed, kind=Kind.RETRIABLE)(handler("note", Noted))
    told = findings(front(cancels=False), post, pack, ship, club)
    assert "it has ended, and files.file waits for toy.sent.v1" in told


def test_a_join_of_what_comes_from_outside_may_wait_for_it() -> None:
    """Nobody has forgotten anything: the other one may still be said."""
    files = Service("files")
    files.join(Placed, Cancelled, kind=Kind.RETRIABLE)(handler("file", Filed, takes=2))
    assert "waits for" not in findings(front(), files)


def test_what_comes_after_a_step_may_come_when_its_undo_came_too_late() -> None:
    """It stands."""
    post = Service("post")

    class Booked(AboutOrder, Event, event_type="toy.booked.v1", exchange="post"):
        pass

    class TooLate(AboutOrder, Event, event_type="toy.too_late.v1", exchange="post", final=True):
        pass

    class Unbooked(AboutOrder, Event, event_type="toy.unbooked.v1", exchange="post", final=True):
        pass

    class Scanned(AboutOrder, Event, event_type="toy.scanned.v1", exchange="files"):
        pass

    class Stored(AboutOrder, Event, event_type="toy.stored.v1", exchange="post", final=True):
        pass

    book, send = handler("book", Booked), handler("send", Sent)
    post.on(Placed)(book)
    post.on(Cancelled, undoes=book, too_late=TooLate)(handler("unbook", Unbooked | TooLate))

    class Send(AboutOrder, Command):
        pass

    post.on(Send, kind=Kind.PIVOT, after=book)(send)
    post.on(Scanned, kind=Kind.RETRIABLE, after=book)(handler("store", Stored))
    files = Service("files")
    files.on(Sent, kind=Kind.RETRIABLE)(handler("scan", Scanned))
    files.on(Booked)(handler("listen", None))
    assert "comes after post.book" not in findings(front(), post, files)


def test_an_alarm_asks_what_its_own_service_hears() -> None:
    """Else it would not start."""

    class Tick(AboutOrder, Command):
        pass

    service = stock()

    @service.every(timedelta(seconds=1))
    async def look(_: Any, __: Tx) -> list[Tick]: ...  # type: ignore[empty-body] # only its annotations matter

    assert "stock: look asks Tick, which none of its steps hears" in findings(front(), service)


def test_no_two_services_have_one_name() -> None:
    assert "2 services are called stock, and would share a queue and a database" in findings(front(), stock(), stock())


def test_no_step_comes_after_an_entry() -> None:
    service, place = Service("front"), handler("place", Placed)
    service.on(Place)(place)
    with pytest.raises(ChoreographyError, match="can't come after place, which begins sagas"):
        service.on(Sent, after=place)(handler("file", Cancelled))


def test_nothing_undoes_an_undo() -> None:
    service = stock()
    release = service.steps["release"].handler
    with pytest.raises(ChoreographyError, match="can't undo release, which is an undo itself"):
        service.on(Sent, undoes=release)(handler("redo", Reserved))
