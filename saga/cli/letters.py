"""Dead letters, on an operator's terminal. Whatever a stranger wrote is shown as text that can do nothing."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic_core import from_json
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from saga.cli.plain import plain
from saga.deadletters import Discarded, Letter, Rehearsal, RowChange, Verdict, refusable
from saga.errors import CannotStart

INDENT = (0, 0, 0, 2)


def listed(letters: Sequence[Letter]) -> Table:
    table = Table("letter", "parked", "because", title=f"{len(letters)} parked", show_lines=True)
    for letter in letters:
        because = Text.assemble(plain(letter.words, lines=True), (f"\nafter {letter.attempts} retries", "dim"))
        table.add_row(
            _heading(letter.service.name, letter.type, letter.id, letter.saga_id), ago(letter.parked_at), because
        )
    return table


def records(discarded: Sequence[Discarded]) -> Table:
    table = Table("letter", "discarded", "by", "because", title=f"{len(discarded)} discarded", show_lines=True)
    for record in discarded:
        heading = _heading(record.service, record.type, record.id, record.saga_id)
        table.add_row(heading, ago(record.discarded_at), plain(record.discarded_by), plain(record.reason, lines=True))
    return table


def as_json(letters: Sequence[Letter | Discarded]) -> str:
    return json.dumps([_told(letter) for letter in letters], indent=2, default=str, ensure_ascii=False)


def show(letter: Letter, console: Console) -> None:
    """All there is to know of one letter, its body included."""
    console.print(_heading(letter.service.name, letter.type, letter.id, letter.saga_id))
    facts = Table.grid(padding=(0, 2))
    for name, fact in _facts(letter):
        facts.add_row(Text(name, "dim"), plain(fact, lines=True))
    console.print(Padding(facts, INDENT))
    headers = Table.grid(padding=(0, 2))
    for name, value in sorted(letter.message.headers.items()):
        headers.add_row(plain(name), plain(str(value)))
    console.print(Text("headers", "bold"), Padding(headers, INDENT))
    console.print(Text("body", "bold"), Padding(plain(_pretty(letter.body), lines=True), INDENT))


def rehearsed(rehearsal: Rehearsal, console: Console) -> None:
    """What would happen to it."""
    letter = rehearsal.letter
    console.print(_heading(letter.service.name, letter.type, letter.id, letter.saga_id))
    lines = [_verdict(rehearsal)]
    lines += [_row(change) for change in rehearsal.rows]
    lines += [Text(f"{table}  changes; it is too large to tell which rows") for table in rehearsal.unseen]
    lines += [Text.assemble((f"says {e.type}  ", "green"), plain(e.data.model_dump_json())) for e in rehearsal.said]
    lines += [
        Text.assemble((f"calls {type(call).__name__}  ", "yellow"), plain(call.model_dump_json()))
        for call in rehearsal.calls
    ]
    for line in lines:
        console.print(Padding(line, INDENT))


def ago(moment: datetime) -> str:
    age = max(datetime.now(UTC) - moment, timedelta())
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1))):
        if age >= 2 * size:
            return f"{age // size} {unit}"
    return f"{age.seconds} s"


def _heading(service: str, event_type: str, identity: str, saga_id: str | None) -> Text:
    of = ("  of ", plain(saga_id)) if saga_id else ("  of no saga that is known",)
    return Text.assemble((service, "bold"), "  ", plain(event_type), "\n  ", plain(identity), "\n", *of)


def _facts(letter: Letter) -> Iterator[tuple[str, str]]:
    yield "because", letter.words
    yield (
        "parked",
        f"{letter.parked_at:%Y-%m-%d %H:%M:%S} UTC, {ago(letter.parked_at)} ago, after {letter.attempts} retries",
    )
    yield (
        "event",
        f"{letter.event_id} of {letter.time:%Y-%m-%d %H:%M:%S} UTC, caused by {letter.causationid or 'nobody'}",
    )
    if letter.problem:
        yield "now", "still not understood" + ("" if letter.problem in letter.words else f": {letter.problem}")
    if letter.step:
        said = ", ".join(event.event_type for event in letter.service.said_by(letter.step)) or "nothing"
        yield "step", f"{letter.step.name} ({letter.step.kind}), which may say {said}"
    try:
        refusable(letter)
    except CannotStart as error:
        yield "refusal", str(error)
    else:
        yield "refusal", "can be refused"


def _told(letter: Letter | Discarded) -> Mapping[str, Any]:
    if isinstance(letter, Discarded):
        return asdict(letter)
    names = ("id", "type", "exchange", "error", "reason", "attempts", "parked_at", "time", "saga_id", "causationid")
    return {"service": letter.service.name} | {name: getattr(letter, name) for name in names}


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(from_json(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body.decode(errors="backslashreplace")


def _verdict(rehearsal: Rehearsal) -> Text:
    step = rehearsal.letter.step
    name, undone = (step.name, step.undoes.name if step.undoes else step.name) if step else ("", "")
    match rehearsal.verdict:
        case Verdict.FAILS:
            return Text.assemble(("parks again  ", "red"), plain(rehearsal.problem, lines=True))
        case Verdict.DUPLICATE:
            return Text("nothing happens: this message has been handled before", "yellow")
        case Verdict.FENCED:
            return Text(f"nothing happens: {undone} is {rehearsal.fence} already", "yellow")
        case Verdict.KEPT:
            return Text(f"it is kept: {name} waits for other facts, too", "green")
        case Verdict.NOTED:
            return Text(f"{name} waits for the outcome of {undone}'s call", "green")
        case Verdict.HANDLED:
            fence = f"; then {undone} is {rehearsal.fence}" if rehearsal.fence else ""
            return Text(f"{name} runs{fence}", "green")


def _row(change: RowChange) -> Text:
    before, after = change.before or {}, change.after or {}
    if change.before is None:
        return Text.assemble((f"{change.table}  new  ", "green"), plain(_cells(after)))
    if change.after is None:
        return Text.assemble((f"{change.table}  gone  ", "red"), plain(_cells(before)))
    kept = {name: value for name, value in before.items() if after.get(name) == value}
    changed = ", ".join(f"{name} {before[name]} → {after.get(name)}" for name in before.keys() - kept.keys())
    return Text.assemble((f"{change.table}  changed  ", "yellow"), plain(changed), (f"  ({_cells(kept)})", "dim"))


def _cells(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)
