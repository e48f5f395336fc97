"""A service on one page: what it hears, does and says, what it can be asked and told, and what it keeps."""

import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import SecretStr

from infra.generate.flow import STEP, steps
from infra.generate.markdown import Row, default, duration, names, summary, table
from saga import Book, Service, Settings
from saga.messages import wire_name
from saga.migrations import folder

BEGIN, END = "<!-- generated: python -m infra.generate -->\n", "<!-- end -->"
TABLE = re.compile(r"^CREATE TABLE (\S+) \((.*?)^\)", re.DOTALL | re.MULTILINE)


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
        ("Laws", ("law", "kept as", "of a saga without a row"), laws(service)),
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
    router = next((thing for thing in public(f"{service.package}.api") if isinstance(thing, APIRouter)), None)
    for route in router.routes if router else ():
        if isinstance(route, APIRoute):
            request = f"`{'/'.join(sorted(route.methods or ()))} {route.path_format}`"
            yield request, summary(route.endpoint), str(int(route.status_code or 200))


def tables(service: Service) -> Iterator[Row]:
    for file in sorted(folder(service.package).glob("*.sql")):
        for name, body in TABLE.findall(file.read_text(encoding="utf-8")):
            yield f"`{name}`", ", ".join(f"`{constraint}`" for constraint in re.findall(r"CONSTRAINT (\w+)", body))


def settings(service: Service) -> Iterator[Row]:
    found = (thing for thing in public(f"{service.package}.settings") if isinstance(thing, type))
    owned = next((thing for thing in found if issubclass(thing, Settings) and thing is not Settings), None)
    if owned is None:
        return
    prefix = owned.model_config.get("env_prefix", "")
    for name, field in owned.model_fields.items():
        secret = " (secret)" if field.annotation is SecretStr else ""
        variable = f"{prefix}{name}".upper()
        yield f"`{variable}`", default(field), f"{field.description}{secret}"


def public(module: str) -> list[object]:
    """What a service's module has, if the service has such a module."""
    return list(vars(import_module(module)).values()) if find_spec(module) else []
