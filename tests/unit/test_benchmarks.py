"""What the figures of the benchmarks say, and in which order they are taken."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.kill import kill
from benchmarks.limit.amqp import Link, Outgoing
from benchmarks.plan import GROWTH, MEASUREMENTS, VARIANTS, plan
from benchmarks.results import Drain, Latency, Machine, Results, Saturation, Spread, percentile
from benchmarks.verdicts import Verdict, verdicts

MACHINE = Machine(2, "a processor", 2**33, "an operating system", "3.11", "servers", "today")
TEXTBOOK, LIMIT, PEERS, LONE, STEADY, MEMORY, FLAT, GROWN, AUDITED = range(9)


def saturation(contender: str, rate: float, measurement: str = "saturation", variant: int = 0) -> Saturation:
    return Saturation(
        measurement, contender, variant, 1, 300, int(rate * 10), int(rate * 10), 10.0,
        {"order": 0.5, "postgresql": 1.0}, {"order": 100.0}, 5_000.0, 2.0,
    )  # fmt: skip


def judged(
    saturations: Sequence[Saturation] = (), latencies: Sequence[Latency] = (), drains: Sequence[Drain] = ()
) -> list[Verdict]:
    return verdicts(Results(MACHINE, 10, list(saturations), list(latencies), list(drains)), ["sloth", "snail"])


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 50), (95, 95), (99, 99), (100, 100)])
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    assert percentile(range(100, 0, -1), percent) == value
    assert percentile([7.0], percent) == 7.0


def test_a_spread_of_nothing_is_none() -> None:
    assert Spread.of([]) is None
    assert Spread.of([3, 1, 10]) == Spread(3, 1, 10)


def test_what_was_not_measured_is_not_met_either() -> None:
    assert {str(verdict) for verdict in judged()} == {"not measured"}


@pytest.mark.parametrize(
    ("ours", "met"),
    [(400, (True, False)), (399, (False, False)), (800, (True, True)), (799, (True, False))],
)
def test_throughput_is_judged_against_the_textbook_and_the_limit(ours: float, met: tuple[bool, bool]) -> None:
    found = judged([saturation("ours", ours), saturation("textbook", 100), saturation("limit", 1000)])
    assert (found[TEXTBOOK].met, found[LIMIT].met) == met
    assert f"{ours} and 100 sagas/s" in str(found[TEXTBOOK])


def test_the_median_of_the_rounds_counts() -> None:
    found = judged([*(saturation("ours", rate) for rate in (100, 401, 9000)), saturation("textbook", 100)])
    assert found[TEXTBOOK].met


def test_one_faster_peer_is_enough_to_lose_and_all_are_needed_to_win() -> None:
    ours, sloth, snail = saturation("ours", 100), saturation("sloth", 1), saturation("snail", 2)
    assert judged([ours, sloth, snail])[PEERS].met is True
    assert judged([ours, sloth])[PEERS].met is None
    assert judged([ours, replace(snail, ended=5000)])[PEERS].met is False


def test_latencies_are_judged_alone_and_under_half_the_load() -> None:
    ours = [Latency("ours", percent, 1, 5, 40, 15, 20, 74) for percent in (0, 50)]
    found = judged(latencies=[*ours, Latency("limit", 0, 1, 5, 40, 10, 11, 12)])
    assert (found[LONE].met, found[STEADY].met) == (True, True)
    found = judged(
        latencies=[replace(ours[1], p99=75), replace(ours[0], p50=16), Latency("limit", 0, 1, 5, 9, 10, 11, 12)]
    )
    assert (found[LONE].met, found[STEADY].met) == (False, False)


def test_memory_is_judged_by_its_most_and_by_its_growth() -> None:
    """The first fifth, in which pools and caches fill, is no growth."""
    steady = Drain("ours", 1, 100_000, 60, {"order": [50, 50, 100, 110, 140, 110, 120, 110, 115, 120]})
    found = judged(drains=[steady])
    assert (found[MEMORY].met, found[FLAT].met) == (True, True)
    found = judged(drains=[replace(steady, memory={"order": [50, 50, 100, 110, 150, 110, 120, 110, 115, 121]})])
    assert (found[MEMORY].met, found[FLAT].met) == (False, False)


def test_a_short_backlog_says_nothing_about_growth() -> None:
    found = judged(drains=[Drain("ours", 1, 10_000, 6, {"order": [50, 500]})])
    assert found[FLAT].met is None


def test_old_orders_are_judged_by_the_database_when_all_were_measured() -> None:
    sizes = [saturation("ours", 100, GROWTH, orders) for orders in (0, 1_000_000, 10_000_000)]
    assert judged(sizes)[GROWN].met is True
    assert judged(sizes[:2])[GROWN].met is None
    assert judged([*sizes[:2], replace(sizes[2], processor={"postgresql": 1.21})])[GROWN].met is False


def test_one_run_whose_books_differ_is_one_too_many() -> None:
    results = Results(MACHINE, 10, audited=30_000, failures=["saturation, slow, round 1: failed: TimeoutError"])
    assert verdicts(results, [])[AUDITED].met is True
    results.failures.append("saturation, ours, round 2: failed: BooksDiffer 3 orders without money")
    assert verdicts(results, [])[AUDITED].met is False


def test_contenders_take_turns() -> None:
    steps = list(plan(["saturation"], ["a", "b"], dict.fromkeys(MEASUREMENTS, 2)))
    assert [(step.contender, step.round) for step in steps] == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_what_is_young_and_what_is_old_take_turns() -> None:
    """A machine that is slow for some minutes must not pass for a database that slows down with its orders."""
    steps = list(plan(["growth"], ["ours"], dict.fromkeys(MEASUREMENTS, 2)))
    assert [step.variant for step in steps] == [*VARIANTS[GROWTH], *VARIANTS[GROWTH]]


def test_latency_is_measured_after_the_saturation_that_it_is_a_share_of() -> None:
    steps = list(plan(["latency"], ["ours"], dict.fromkeys(MEASUREMENTS, 1)))
    assert [step.measurement for step in steps] == ["saturation", "latency"]


def test_results_survive_their_file(tmp_path: Path) -> None:
    results = Results(MACHINE, 10, [saturation("ours", 100)], failures=["one"])
    results.write(tmp_path / "new" / "results.json")
    assert Results.read(tmp_path / "new" / "results.json") == results


def test_nobody_is_killed_in_the_place_of_a_process_that_has_ended() -> None:
    """The process 0 would be ourselves, and all that belongs to us."""
    with pytest.raises(ProcessLookupError, match="worker did not run"):
        kill({"front": 1, "worker": 0})


class _Wire(asyncio.Transport):
    def write(self, data: bytes | bytearray | memoryview) -> None:
        """To nobody."""


async def test_a_window_is_confirmed_when_all_of_its_messages_are() -> None:
    """In whichever order, one by one or many at once."""
    link = Link()
    link.connection_made(_Wire())
    first, second = (link.publish([Outgoing("orders", "key", "id", "saga", b"{}")] * 2) for _ in range(2))
    link.data_received(_ack(2) + _ack(4))
    assert not first.done()
    assert not second.done()
    link.data_received(_ack(1))
    assert first.done()
    assert not second.done()
    link.data_received(_ack(4, multiple=True))
    assert second.done()


def _ack(tag: int, *, multiple: bool = False) -> bytes:
    payload = b"\x00\x3c\x00\x50" + tag.to_bytes(8) + bytes([multiple])
    return b"\x01\x00\x01" + len(payload).to_bytes(4) + payload + b"\xce"
