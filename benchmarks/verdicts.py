"""What was wanted of the runtime, and whether the figures say that it is so."""

from collections.abc import Collection
from dataclasses import dataclass

from benchmarks.meter import POSTGRES
from benchmarks.plan import GROWTH, VARIANTS
from benchmarks.results import Drain, Results
from benchmarks.running import BooksDiffer

TIMES_TEXTBOOK = 4.0
SHARE_OF_LIMIT = 0.8
TIMES_LONE_LIMIT = 1.5
TIMES_MEDIAN = 5.0
MEMORY = 150.0
FLAT = 1.2
"""What is so many times as much, or less, has not grown."""
EARLY = 0.2
"""Of a backlog's time: until then, a service is still filling its pools."""
BACKLOG = 100_000
OURS, TEXTBOOK, LIMIT = "ours", "textbook", "limit"


@dataclass(frozen=True)
class Verdict:
    goal: str
    met: bool | None
    """None, where it was not measured."""
    figures: str = ""

    def __str__(self) -> str:
        word = {True: "met", False: "not met", None: "not measured"}[self.met]
        return f"{word}: {self.figures}" if self.figures else word


def verdicts(results: Results, peers: Collection[str]) -> list[Verdict]:
    """On every goal, whatever was measured."""
    return [
        _against(results, TEXTBOOK, TIMES_TEXTBOOK),
        _against(results, LIMIT, SHARE_OF_LIMIT),
        _fastest(results, peers),
        _lone(results),
        _steady(results),
        _memory(results),
        _flat(results),
        _grown(results),
        _audited(results),
    ]


def _against(results: Results, other: str, times: float) -> Verdict:
    goal = f"at least {times:g} times the sagas a second of the {other}"
    ours, theirs = results.rate(OURS), results.rate(other)
    if not ours or not theirs:
        return Verdict(goal, None)
    ratio = ours.median / theirs.median
    return Verdict(goal, ratio >= times, f"{ratio:.2f} times ({ours.median:,.0f} and {theirs.median:,.0f} sagas/s)")


def _fastest(results: Results, peers: Collection[str]) -> Verdict:
    goal = "more sagas a second than any peer"
    ours, rates = results.rate(OURS), {peer: results.rate(peer) for peer in peers}
    known = {peer: rate.median for peer, rate in rates.items() if rate}
    if not ours or not known:
        return Verdict(goal, None)
    fastest = max(known, key=known.__getitem__)
    told = f"{ours.median:,.0f} sagas/s, and {known[fastest]:,.0f} of the fastest of them, {fastest}"
    if len(known) < len(rates) and ours.median > known[fastest]:
        return Verdict(goal, None, f"without {', '.join(sorted(set(rates) - set(known)))}, {told}")
    return Verdict(goal, ours.median > known[fastest], told)


def _lone(results: Results) -> Verdict:
    goal = f"a lone order's median at most {TIMES_LONE_LIMIT:g} times the limit's"
    ours, limit = results.latency(OURS, 0, "p50"), results.latency(LIMIT, 0, "p50")
    if not ours or not limit:
        return Verdict(goal, None)
    ratio = ours.median / limit.median
    told = f"{ratio:.2f} times ({ours.median:.1f} and {limit.median:.1f} ms)"
    return Verdict(goal, ratio <= TIMES_LONE_LIMIT, told)


def _steady(results: Results) -> Verdict:
    goal = f"at half the saturation, p99 below {TIMES_MEDIAN:g} times p50"
    p50, p99 = results.latency(OURS, 50, "p50"), results.latency(OURS, 50, "p99")
    if not p50 or not p99:
        return Verdict(goal, None)
    ratio = p99.median / p50.median
    return Verdict(goal, ratio < TIMES_MEDIAN, f"{ratio:.1f} times ({p99.median:.1f} and {p50.median:.1f} ms)")


def _memory(results: Results) -> Verdict:
    goal = f"less than {MEMORY:g} MB of memory for each service"
    seen = [(mb, name) for each in results.saturations if each.contender == OURS for name, mb in each.memory.items()]
    seen += [(max(samples), name) for each in results.drains for name, samples in each.memory.items() if samples]
    if not seen:
        return Verdict(goal, None)
    most, name = max(seen)
    return Verdict(goal, most < MEMORY, f"{most:.0f} MB at most, of {name}")


def _flat(results: Results) -> Verdict:
    goal = f"memory that does not grow over {BACKLOG:,} orders"
    grown = [grew for each in results.drains if each.orders >= BACKLOG for grew in growth_of_memory(each).items()]
    if not grown:
        return Verdict(goal, None)
    name, most = max(grown, key=lambda grew: grew[1])
    told = f"at most {most:.2f} times what it was after a fifth of the time, of {name}"
    return Verdict(goal, most <= FLAT, told)


def growth_of_memory(drain: Drain) -> dict[str, float]:
    """The last sample as a multiple of an early one, by process."""
    sampled = {name: samples for name, samples in drain.memory.items() if samples}
    return {name: samples[-1] / samples[int(EARLY * len(samples))] for name, samples in sampled.items()}


def _grown(results: Results) -> Verdict:
    goal = "the database's processor time a saga is the same with millions of old orders"
    medians = {variant: _database(results, variant) for variant in VARIANTS[GROWTH]}
    known = {variant: cost for variant, cost in medians.items() if cost is not None}
    told = ", ".join(f"{cost:.2f} ms with {variant:,}" for variant, cost in known.items())
    if len(known) < len(medians):
        return Verdict(goal, None, told)
    return Verdict(goal, max(known.values()) <= FLAT * known[0], told)


def _database(results: Results, orders: int) -> float | None:
    found = results.spread(GROWTH, OURS, orders, lambda each: each.processor[POSTGRES])
    return found.median if found else None


def _audited(results: Results) -> Verdict:
    goal = "all books agree after every run at full speed"
    if not results.audited:
        return Verdict(goal, None)
    differ = [failure for failure in results.failures if BooksDiffer.__name__ in failure]
    return Verdict(goal, not differ, f"{results.audited:,} orders; {len(differ)} runs whose books differ")
