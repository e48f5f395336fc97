"""An audit calls only that a breach which nothing on its way could have healed, and it misses no saga."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from saga import Book, Laws, Service
from saga.audit import Breach, Doubt, Finding, Report, Unfinished, Verdict
from saga.audit.broker import Broker
from saga.audit.comparing import Kept, Suspect, circles, judge, merged, odd
from saga.cli.audit import EXIT, News, show, write
from saga.errors import ChoreographyError
from saga.provisioning import Management
from tests.component.toy.handlers import toy

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def kept(keeper: str, entries: Mapping[str, str | None], unknown: str | None = None, name: str = "money") -> Kept:
    return Kept(Book(name, keeper, "SELECT", unknown), entries)


def suspect(**changes: Any) -> Suspect:
    return replace(Suspect("s1", {"money": {"ledger": "0", "gateway": "9980 EUR"}}, trace="capture done"), **changes)


def report(**changes: Any) -> Report:
    found = Report(
        began=NOON,
        seconds=0.5,
        sagas=2,
        findings=(Finding("money", "ledger and gateway agree on the money", 2, 0, 0),),
        breaches=(),
        doubts=(),
        unfinished=Unfinished(),
        waiting={},
        parked={},
    )
    return replace(found, **changes)


BREACH = Breach("money", "ledger 0, gateway 9980 EUR", "s1")


def test_what_all_keepers_tell_alike_is_not_odd() -> None:
    """A saga without a row is what the keeper says of such."""
    assert list(odd(["s1"], [kept("ledger", {}, unknown="0"), kept("gateway", {"s1": "0"})])) == []


def test_a_difference_tells_what_each_keeper_says() -> None:
    """Of the saga that differs, and of no other."""
    books = [kept("ledger", {"s1": "0", "s2": "1 EUR"}), kept("gateway", {"s1": "9980 EUR", "s2": "1 EUR"})]
    (account,) = odd(["s1", "s2"], books)
    assert (account.saga, account.undecided) == ("s1", [])
    assert account.differences == {"money": {"ledger": "0", "gateway": "9980 EUR"}}


def test_only_books_of_the_same_name_are_compared() -> None:
    assert list(odd(["s1"], [kept("ledger", {"s1": "0"}), kept("order", {"s1": "undone"}, name="outcome")])) == []


@pytest.mark.parametrize("entry", [None, "0"])
def test_an_entry_that_is_null_says_that_the_saga_is_on_its_way(entry: str | None) -> None:
    """As does a row that isn't there, if nobody can tell without it."""
    (account,) = odd(["s1"], [kept("order", {"s1": None}), kept("ledger", {}), kept("gateway", {"s1": entry})])
    assert set(account.undecided) >= {"ledger", "order"}


def test_a_difference_that_stays_is_a_breach() -> None:
    assert list(judge(suspect(), suspect(), behind=())) == [BREACH]


def test_a_difference_that_is_gone_has_healed() -> None:
    assert list(judge(suspect(), None, behind=())) == []


@pytest.mark.parametrize(
    ("first", "again", "behind", "why"),
    [
        ({}, {"trace": "capture compensated"}, (), "it is still moving"),
        ({"differences": {"money": {"ledger": "1 EUR", "gateway": "2 EUR"}}}, {}, (), "it is still moving"),
        ({"waiting": ("payment has an open call of it",)}, {}, (), "payment has an open call of it"),
        ({}, {"waiting": ("payment has an event of it to publish",)}, (), "payment has an event of it to publish"),
        ({}, {}, ("order is not empty", "inventory is not empty"), "order is not empty, inventory is not empty"),
    ],
    ids=["a step was entered", "an entry changed", "an open call before", "an event to publish", "a queue"],
)
def test_a_difference_that_something_on_its_way_may_heal_is_a_doubt(
    first: Mapping[str, object], again: Mapping[str, object], behind: Sequence[str], why: str
) -> None:
    assert list(judge(suspect(**first), suspect(**again), behind)) == [Doubt(BREACH, why)]


@given(
    known=st.lists(st.sets(st.text("abcdef0123456789", min_size=1, max_size=3), max_size=40), min_size=1, max_size=4),
    size=st.integers(1, 7),
)
def test_page_by_page_every_saga_is_seen_once(known: list[set[str]], size: int) -> None:
    """Whoever knows it, and however the pages of the others end."""
    seen: list[str] = []
    after: str | None = None
    while True:
        later = [sorted(saga for saga in sagas if after is None or saga > after) for sagas in known]
        page, after = merged([dict.fromkeys(sagas[:size], NOON) for sagas in later], size)
        seen += sorted(page)
        if after is None:
            break
    assert seen == sorted(set().union(*known))


def test_a_saga_is_as_old_as_its_first_mention() -> None:
    page, _ = merged([{"s1": NOON}, {"s1": NOON - timedelta(hours=1)}], size=10)
    assert page == {"s1": NOON - timedelta(hours=1)}


def service(name: str, *books: tuple[str, str]) -> Service:
    return Service(name, laws=Laws("SELECT", tuple(Book(book, keeper, "SELECT") for book, keeper in books)))


def test_services_that_keep_no_book_together_are_audited_apart() -> None:
    """They know different sagas; what is kept with a third is kept together."""
    order, payment = (
        service("order", ("outcome", "order")),
        service("payment", ("outcome", "payment"), ("money", "ledger")),
    )
    bank, teller = service("bank", ("balance", "bank")), service("teller", ("money", "teller"))
    found = [{member.name for member in circle} for circle in circles([order, bank, teller, payment])]
    assert sorted(found, key=len) == [{"bank"}, {"order", "payment", "teller"}]


def test_keepers_of_a_book_have_different_names() -> None:
    with pytest.raises(ChoreographyError, match="two keepers of the book 'money' are called 'ledger'"):
        circles([service("payment", ("money", "ledger")), service("order", ("money", "ledger"))])


class Counting(Management):
    """A broker that gives these answers, one after the other, and the last for ever."""

    def __init__(self, *answers: Mapping[str, int | None]) -> None:
        self._answers = list(answers)
        self.asked = 0

    async def messages(self) -> dict[str, int | None]:
        self.asked += 1
        return dict(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


SOON = timedelta(seconds=0.01)
EMPTY: dict[str, int | None] = {"toy": 0, "toy.retry.5s": 0, "toy.dead": 3, "unrouted": 1}


@pytest.mark.parametrize(
    ("answers", "times", "behind"),
    [
        ([EMPTY], 2, []),
        ([EMPTY | {"toy": 1}, EMPTY], 3, []),
        ([EMPTY, EMPTY | {"toy.retry.5s": 1}, EMPTY], 4, []),
        ([EMPTY | {"toy.retry.5s": 1}], 5, ["toy.retry.5s is not empty"]),
        ([EMPTY | {"toy": 1}] * 4 + [EMPTY], 5, ["toy has only just become empty"]),
        ([EMPTY | {"toy": None}], 5, ["the broker can't tell what is in toy"]),
        ([{}], 5, ["the broker can't tell what is in toy"]),
    ],
    ids=["empty", "soon", "to and fro", "never", "late", "not counted", "not there"],
)
async def test_a_service_has_caught_up_when_nothing_waits_for_it_twice_in_a_row(
    answers: list[Mapping[str, int | None]], times: int, behind: list[str]
) -> None:
    """In its queue or in a retry tier; dead letters wait for nobody."""
    management = Counting(*answers)
    broker = Broker(management, [toy], SOON)
    assert await broker.caught_up(5 * broker.stale) == behind
    assert management.asked == times


async def test_the_queue_of_who_keeps_nothing_and_says_nothing_does_not_matter() -> None:
    assert await Broker(Counting({"mute": 5}), [Service("mute")], SOON).caught_up(1) == []


async def test_what_has_parked_is_told_apart_from_what_waits() -> None:
    broker = Broker(Counting(EMPTY | {"toy": 2}), [toy], SOON)
    assert await broker.waiting() == {"messages in toy": 2}
    assert await Broker(Counting({"toy.dead": 0, "unrouted": 0}), [toy], SOON).waiting() == {"messages in toy": None}
    assert await broker.parked() == {"messages in toy.dead": 3, "messages in unrouted": 1}


@pytest.mark.parametrize(
    ("found", "verdict", "code"),
    [
        (report(), Verdict.HOLDS, 0),
        (report(breaches=(BREACH,), doubts=(Doubt(BREACH, "why"),)), Verdict.BROKEN, 1),
        (report(doubts=(Doubt(BREACH, "order is not empty"),)), Verdict.UNSETTLED, 2),
        (report(whole=False), Verdict.UNSETTLED, 2),
        (report(unfinished=Unfinished(1, "s2", NOON), waiting={"messages in toy": 1}), Verdict.HOLDS, 0),
    ],
    ids=["holds", "broken", "in doubt", "not all seen", "busy"],
)
def test_the_exit_code_tells_the_verdict(found: Report, verdict: Verdict, code: int) -> None:
    assert (found.verdict, EXIT[found.verdict]) == (verdict, code)


def told(found: Report) -> str:
    console = Console(file=StringIO(), width=100)
    show(found, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_each_law_each_breach_and_each_doubt_has_its_line() -> None:
    finding = Finding("money", "ledger and gateway agree on the money", 1200, 1, 1)
    doubt = Doubt(replace(BREACH, saga="s2"), "order is not empty")
    lines = told(report(findings=(finding,), breaches=(BREACH,), doubts=(doubt,))).splitlines()
    assert "ledger and gateway agree on the money" in lines[0]
    assert "1,200 sagas, 1 broken, 1 can't be judged" in lines[0]
    assert lines[1:3] == [
        "✗ s1: money: ledger 0, gateway 9980 EUR",
        "? s2: money: ledger 0, gateway 9980 EUR (order is not empty)",
    ]


def test_what_is_on_its_way_and_what_has_parked_is_told() -> None:
    words = told(
        report(
            unfinished=Unfinished(3, "s3", NOON), waiting={"calls open in toy": 2}, parked={"messages in toy.dead": 1}
        )
    )
    assert "on their way: 3 sagas, the oldest s3 since" in words
    assert "waiting: 2 calls open in toy" in words
    assert "parked: 1 messages in toy.dead" in words


def test_a_long_list_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """And told as a whole as JSON."""
    found = report(breaches=tuple(replace(BREACH, saga=f"s{n}") for n in range(150)))
    assert "… and 50 more" in told(found)
    write(found)
    document = json.loads(capsys.readouterr().out)
    assert (document["verdict"], len(document["breaches"])) == ("broken", 150)
    assert document["breaches"][0] == {"law": "money", "detail": "ledger 0, gateway 9980 EUR", "saga": "s0"}


def test_a_watch_tells_a_breach_once_and_when_it_is_mended() -> None:
    console = Console(file=StringIO(), width=100)
    news = News(console)
    for found in (report(breaches=(BREACH,)), report(breaches=(BREACH,)), report()):
        news.tell(found)
    assert isinstance(console.file, StringIO)
    lines = console.file.getvalue().splitlines()
    assert [line for line in lines if "money" in line] == [f"✗ {BREACH}", f"no longer: {BREACH}"]
    assert [line.split()[1] for line in lines if " s," in line] == ["broken", "broken", "holds"]
