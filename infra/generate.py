"""Make the schemas, the choreography, the canvases and the dashboards from the code: `python -m infra.generate`.

With `--check`, write nothing and exit with 1, naming each file that is stale. An event that needs a new version, since
messages or readers of before wouldn't do any more, is refused.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import SecretStr

import events
from events import Event, Message
from infra import asyncapi, grafana, reference
from infra.markdown import Row, default, duration, table
from saga import Book, Command, Kind, Service, Settings, checking
from saga.installed import installed
from saga.messages import wire_name
from saga.migrations import folder

ROOT = Path(__file__).parents[1]
SCHEMAS = Path("docs/schemas")
DIALECT = "https://json-schema.org/draft/2020-12/schema"
BEGIN, END = "<!-- generated: python -m infra.generate -->\n", "<!-- end -->"
TABLE = re.compile(r"^CREATE TABLE (\S+) \((.*?)^\)", re.DOTALL | re.MULTILINE)
STEP = ("hears", "does", "says", "kind", "undoes")
INTRODUCTION = """# Choreography

Made from the services' declarations by `make generate`. Rounded are events, slanted is what comes in at a service's own
API, hexagons are steps. Dashed steps undo; the thick one is the pivot, after which nothing is undone. Listeners say
nothing and stand in the table only.
"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is stale")
    check: bool = parser.parse_args().check
    outgrown = list(checking.outgrown(spoken(), ROOT / SCHEMAS))
    for finding in outgrown:
        print(finding)
    if outgrown:
        return 1
    outdated = stale()
    for path, text in outdated.items():
        print(f"{path} is {'stale: run make generate' if check else 'made anew'}")
        if not check:
            write(ROOT / path, text)
    return int(check and bool(outdated))


def write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def stale() -> dict[Path, str | None]:
    """The files that differ from the code, with what should stand in them; None, if nothing should."""
    wanted = dict(documents())
    found = {path: (ROOT / path).read_text(encoding="utf-8") for path in wanted if (ROOT / path).exists()}
    left = {path.relative_to(ROOT) for path in (ROOT / SCHEMAS).glob("*.json")} - wanted.keys()
    return {path: text for path, text in wanted.items() if found.get(path) != text} | dict.fromkeys(sorted(left))


def documents() -> Iterator[tuple[Path, str]]:
    for event in spoken():
        yield SCHEMAS / f"{event.event_type}.json", schema(event)
    told = in_order_of_hearing([service for service in installed() if (ROOT / service.package).is_dir()])
    yield Path("docs/choreography.md"), choreography(told)
    yield Path("docs/stories.md"), checking.sequences.page(told)
    yield Path("docs/asyncapi.json"), asyncapi.document(told, examples())
    for service in told:
        path = Path(service.package, "README.md")
        yield path, page(service, (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else "")
    yield from grafana.documents()
    yield from reference.documents(told)


def spoken() -> list[type[Event]]:
    """Every event of the published language."""
    types = {thing for thing in vars(events).values() if isinstance(thing, type) and issubclass(thing, Event)}
    return sorted(types - {Event}, key=wire_name)


def examples() -> dict[str, str]:
    """The public contract by example."""
    files = (ROOT / "tests/contract/examples").glob("*.v1.json")
    return {file.name.removesuffix(".json"): file.read_text(encoding="utf-8") for file in files}


def in_order_of_hearing(known: Sequence[Service]) -> list[Service]:
    """Front doors first, then whoever acts on what they say, and so on: as a story reaches the services."""
    by_name = sorted(known, key=lambda service: service.name)
    told = [service for service in by_name if service.front_door]
    for service in told:
        told += [other for other in by_name if other not in told and acts_on(other, service)]
    return told + [service for service in by_name if service not in told]


def acts_on(service: Service, speaker: Service) -> bool:
    """Whether a step of the one, that is no undo and no listener, hears the other."""
    forward = (step for step in service.steps.values() if step.fenced and step.undoes is None)
    return any(set(step.hears) & set(speaker.said) for step in forward)


def schema(event: type[Event]) -> str:
    """The event's data as JSON Schema."""
    head = {"$schema": DIALECT, "$id": f"{event.event_type}.json"}
    return json.dumps(head | event.model_json_schema() | {"title": event.event_type}, indent=2) + "\n"


def choreography(told: Sequence[Service]) -> str:
    """Who hears what, does what and says what: as a diagram and as a table."""
    rows = ((service.name, *row) for service in told for row in steps(service))
    lines = (INTRODUCTION, "```mermaid", *flowchart(told), "```", "", *table(("service", *STEP), rows), "")
    return "\n".join(lines)


def flowchart(told: Sequence[Service]) -> Iterator[str]:
    yield "flowchart LR"
    parts = [(service, step) for service in told for step in service.steps.values() if step.kind is not Kind.LISTENER]
    messages = {message for service, step in parts for message in (*step.hears, *service.said_by(step))}
    for message in sorted(messages, key=wire_name):
        left, right = ("[/", "/]") if issubclass(message, Command) else ("([", "])")
        yield f'  {message.__name__}{left}"{wire_name(message)}"{right}'
    for service, step in parts:
        yield f'  {step.name}{{{{"{service.name}:<br/>{step.name}"}}}}:::{step.kind}'
        yield from (f"  {heard.__name__} --> {step.name}" for heard in step.hears)
        yield from (f"  {step.name} --> {said.__name__}" for said in service.said_by(step))
    yield from ("  classDef compensation stroke-dasharray:5", "  classDef pivot stroke-width:4px")


def page(service: Service, found: str) -> str:
    """A service's page with its generated part made anew, or the beginning of one."""
    found = found or f"# {service.name.capitalize()}\n\n{summary(import_module(service.package))}\n\n{BEGIN}{END}\n"
    above, _, generated = found.partition(BEGIN)
    return f"{above}{BEGIN}{canvas(service)}{END}{generated.partition(END)[2]}"


def canvas(service: Service) -> str:
    """The generated part of a service's page."""
    sections = (
        ("Steps", STEP, steps(service)),
        ("Alarms", ("every", "does", "asks"), alarms(service)),
        ("Calls to the outside", ("call", "means", "asked by", "then says"), calls(service)),
        ("Laws", ("law", "kept as", "of an order without a row"), laws(service)),
        ("REST", ("request", "does", "answers"), endpoints(service)),
        ("Tables", ("table", "its constraints"), tables(service)),
        ("Settings", ("variable", "default", "means"), settings(service)),
    )
    says = f"Publishes to the exchange `{service.exchange}`." if service.overhears is None else "Says nothing."
    lines = [f"{says} Has the queue `{service.name}`.", ""]
    for title, head, rows in sections:
        if found := list(rows):
            lines += [f"## {title}", "", *table(head, found), ""]
    return "\n".join(lines) + "\n"


def steps(service: Service) -> Iterator[Row]:
    for step in service.steps.values():
        does = f"`{step.name}`: {summary(step.handler)}"
        undoes = f"`{step.undoes.name}`" if step.undoes else "—"
        kind = step.kind.value + (", can be refused by hand" if step.name in service.refusals else "")
        yield names(step.hears), does, names(service.said_by(step)), kind, undoes


def alarms(service: Service) -> Iterator[Row]:
    for alarm in service.alarms:
        yield (
            duration(alarm.period),
            f"`{alarm.name}`: {summary(alarm.handler)}",
            names(sorted(alarm.asks, key=wire_name)),
        )


def calls(service: Service) -> Iterator[Row]:
    for call, settlement in service.settlements.items():
        askers = ", ".join(f"`{step.name}`" for step in service.steps.values() if call in step.answers)
        yield names([call]), summary(call), askers, names(sorted(settlement.answers, key=wire_name))


def laws(service: Service) -> Iterator[Row]:
    for rule in service.laws.rules if service.laws else ():
        if isinstance(rule, Book):
            yield f"all keepers agree on the {rule.name}", rule.keeper, rule.unknown or "can't be told"
        else:
            yield rule.name, "—", "—"


def endpoints(service: Service) -> Iterator[Row]:
    router = next(thing for thing in public(f"{service.package}.api") if isinstance(thing, APIRouter))
    for route in router.routes:
        if isinstance(route, APIRoute):
            request = f"`{'/'.join(sorted(route.methods or ()))} {route.path}`"
            yield request, summary(route.endpoint), str(int(route.status_code or 200))


def tables(service: Service) -> Iterator[Row]:
    for file in sorted(folder(service.package).glob("*.sql")):
        for name, body in TABLE.findall(file.read_text(encoding="utf-8")):
            yield f"`{name}`", ", ".join(f"`{constraint}`" for constraint in re.findall(r"CONSTRAINT (\w+)", body))


def settings(service: Service) -> Iterator[Row]:
    found = (thing for thing in public(f"{service.package}.settings") if isinstance(thing, type))
    owned = next(thing for thing in found if issubclass(thing, Settings) and thing is not Settings)
    for name, field in owned.model_fields.items():
        secret = " (secret)" if field.annotation is SecretStr else ""
        variable = f"{owned.model_config.get('env_prefix', '')}{name}".upper()
        yield f"`{variable}`", default(field), f"{field.description}{secret}"


def names(messages: Iterable[type[Message]]) -> str:
    return ", ".join(f"`{wire_name(message)}`" for message in messages) or "—"


def summary(documented: Any) -> str:
    """The first paragraph of its docstring; its name in words, where it has none."""
    told = (documented.__doc__ or f"{documented.__name__.replace('_', ' ').capitalize()}.").strip()
    return " ".join(told.partition("\n\n")[0].split())


def public(module: str) -> list[object]:
    return list(vars(import_module(module)).values())


if __name__ == "__main__":
    sys.exit(main())
