"""docs/performance.md: all of its figures come from the results."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.contender import CONTENDERS
from benchmarks.kill import DECLINED, ORDERS, PATIENCE, SHARE
from benchmarks.peers.contenders import PEERS
from benchmarks.plan import COMPENSATED, GROWTH, HOT, REPLICAS, SATURATION
from benchmarks.plots import draw, processor
from benchmarks.results import Results, Spread
from benchmarks.verdicts import growth_of_memory, verdicts

HOW = {contender.name: contender.how for contender in (*CONTENDERS, *PEERS)}
PROMISES = {contender.name: contender.guarantees for contender in (*CONTENDERS, *PEERS)}
PEER_NAMES = [contender.name for contender in PEERS]
NOT_MEASURED = "Not measured in this run."
HEAD = """# Performance

Generated from [results.json]({folder}/results.json) by `make bench` or `make bench-full`; don't edit it.

An order is placed by a message and goes through four services, as in [the choreography](choreography.md): it has ended
when the shipment is scheduled, or when the stock of a declined order is released. Everybody has the same servers with
the same settings, quorum queues, persistent messages and synchronous commits; all of it, the load included, shares one
machine. Figures are medians of the rounds, with the least and the most behind them.
"""
VARIED = {
    COMPENSATED: ("Orders that are compensated", "{} % declined"),
    HOT: ("Hot stock", "{} SKU"),
    REPLICAS: ("Replicas of each service", "{}"),
    GROWTH: ("Orders of the past", "{:,}"),
}


def write(results: Results, folder: Path) -> None:
    """The page beside its folder, which holds the plots."""
    drawn = draw(results, folder)
    lines = "\n".join(_page(results, folder.name, drawn))
    folder.with_suffix(".md").write_text(lines.rstrip() + "\n", encoding="utf-8")


def _page(results: Results, folder: str, drawn: Sequence[str]) -> Iterator[str]:
    def picture(name: str, told: str) -> Iterator[str]:
        if name in drawn:
            yield f"![{told}]({folder}/{name}.svg)\n"

    yield HEAD.format(folder=folder)
    yield from _machine(results)
    yield from _commands(results)
    yield from _section("Goals")
    told = [(verdict.goal, str(verdict)) for verdict in verdicts(results, PEER_NAMES)]
    yield from _table(["Goal", "Measured"], told)
    yield from _section("Saturation")
    yield from picture("saturation", "sagas a second at saturation")
    yield from _saturation(results)
    yield from picture("processor", "processor time a saga")
    yield from _processor(results)
    yield from _section("What each promises")
    yield from _promises(results)
    yield from _section("What a kill leaves behind")
    yield from _kills(results)
    yield from _section("Latency")
    yield from picture("latency", "latency by load")
    yield from _latency(results)
    for measurement in VARIED:
        yield from _section(VARIED[measurement][0])
        yield from picture(measurement, VARIED[measurement][0].lower())
        yield from _varied(results, measurement)
    yield from _section("A backlog")
    yield from picture("memory", "memory while a backlog is worked off")
    yield from _drains(results)
    if results.failures:
        yield from _section("What failed")
        yield from (f"- {failure}" for failure in results.failures)


def _section(title: str) -> Iterator[str]:
    yield f"## {title}\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str = "---:") -> Iterator[str]:
    if not rows:
        yield NOT_MEASURED + "\n"
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(['---', *[align] * (len(head) - 1)])}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _machine(results: Results) -> Iterator[str]:
    told = results.machine
    yield (
        f"Measured on {told.when}: {told.processors} x {told.processor}, {told.memory / 2**30:.0f} GiB, {told.system}, "
        f"Python {told.python}; {told.servers}.\n"
    )


def _commands(results: Results) -> Iterator[str]:
    if results.commands:
        yield "To measure it again:\n"
        yield "\n".join(["```", *results.commands, "```", ""])


def _saturation(results: Results) -> Iterator[str]:
    yield (
        "As many orders as its row says are always on their way. The clock starts with empty queues "
        f"and stops when the last order has ended and all queues are empty again; orders are placed for "
        f"{results.seconds:g} s.\n"
    )
    rows = []
    for name in results.contenders():
        records = results.of(SATURATION, name)
        placed, ended = sum(each.placed for each in records), sum(each.ended for each in records)
        wal, writes = (
            results.spread(SATURATION, name, 0, figure) for figure in (lambda each: each.wal, lambda each: each.writes)
        )
        memory = max((mb for each in records for mb in each.memory.values()), default=0)
        rows.append([
            f"{name}: {HOW.get(name, '')}", _spread(results.rate(name), 0), str(len(records)),
            str(records[0].in_flight), f"{ended:,} of {placed:,}", _median(wal, 0), _median(writes, 2), f"{memory:.0f}",
        ])  # fmt: skip
    head = [
        "", "Sagas/s", "Rounds", "On their way", "Ended", "WAL bytes a saga", "Writing transactions a saga",
        "MB of the largest process",
    ]  # fmt: skip
    yield from _table(head, rows)


def _processor(results: Results) -> Iterator[str]:
    kinds = ("services", "postgresql", "rabbitmq", "load")
    rows = []
    for name in results.contenders():
        costs = processor(results, name)
        rows.append([name, *(f"{costs.get(kind, 0):.2f}" for kind in kinds), f"{sum(costs.values()):.2f}"])
    yield from _table(["Processor, ms a saga", *kinds, "all"], rows)


def _promises(results: Results) -> Iterator[str]:
    yield (
        "Of an order, when a process is killed and when a step is refused. Where a peer's word for it stands is said "
        "beside it in [contenders.py](../benchmarks/peers/contenders.py).\n"
    )
    rows = [
        (name, promise.resumes, promise.duplicates, promise.compensation, promise.lost)
        for name in results.contenders()
        if (promise := PROMISES.get(name))
    ]
    head = ["", "Resumes after a kill", "May happen twice", "Compensation", "Lost between commit and publish"]
    yield from _table(head, rows, "---")


def _kills(results: Results) -> Iterator[str]:
    yield (
        f"{ORDERS:,} orders come at once, {DECLINED:.0%} of them with a card that is declined. When {SHARE:.0%} have "
        "ended, all processes are killed, and started again at once; when all have ended, or "
        f"{PATIENCE:g} s later, the books say what became of them. A charge that is asked for again costs nothing only "
        "where the gateway honours idempotency keys, as this one does.\n"
    )
    figures = ("placed", "never_begun", "halfway", "wrong", "asked_again")
    rows = []
    for name in dict.fromkeys(each.contender for each in results.kills):
        kills = [each for each in results.kills if each.contender == name]
        counts = [str(sum(getattr(kill, figure) for kill in kills)) for figure in figures]
        rows.append([name, str(len(kills)), *counts])
    head = ["", "Kills", "Orders", "Never begun", "Left halfway", "Ended wrongly", "Charges asked for again"]
    yield from _table(head, rows)


def _latency(results: Results) -> Iterator[str]:
    yield "Orders come at a fixed rate, whatever happens, and each counts from when it was due. Milliseconds.\n"
    rows = []
    for name in dict.fromkeys(each.contender for each in results.latencies):
        for percent in sorted({each.percent for each in results.latencies if each.contender == name}):
            load = f"{percent} % of its saturation" if percent else "alone"
            rate = results.latency(name, percent, "rate")
            shares = [_spread(results.latency(name, percent, share), 1) for share in ("p50", "p95", "p99")]
            rows.append([f"{name}, {load}", _median(rate, 0), *shares])
    yield from _table(["", "Orders/s", "p50", "p95", "p99"], rows)


def _varied(results: Results, measurement: str) -> Iterator[str]:
    rows = []
    for name in results.contenders(measurement):
        for variant in results.variants(measurement):
            if not results.of(measurement, name, variant):
                continue
            database = results.spread(measurement, name, variant, lambda each: each.processor["postgresql"])
            told = VARIED[measurement][1].format(variant)
            rows.append([name, told, _spread(results.rate(name, measurement, variant), 0), _median(database, 2)])
    yield from _table(["", VARIED[measurement][0], "Sagas/s", "Database, ms of the processor a saga"], rows)


def _drains(results: Results) -> Iterator[str]:
    yield "The orders are placed while no service runs; the clock starts with the services.\n"
    rows = []
    for each in results.drains:
        grown = growth_of_memory(each)
        for name, samples in each.memory.items():
            span = f"{min(samples):.0f} / {max(samples):.0f} / {samples[-1]:.0f}"
            took = f"{each.orders:,} in {each.seconds:.1f} s ({each.orders / each.seconds:,.0f}/s)"
            rows.append([name, took, span, f"{grown[name]:.2f}"])
    yield from _table(
        ["", "Orders", "MB: least / most / last", "Last, as a multiple of after a fifth of the time"], rows
    )


def _spread(spread: Spread | None, digits: int) -> str:
    if spread is None:
        return ""
    return f"{spread.median:,.{digits}f} ({spread.low:,.{digits}f} to {spread.high:,.{digits}f})"


def _median(spread: Spread | None, digits: int) -> str:
    return f"{spread.median:,.{digits}f}" if spread else ""
