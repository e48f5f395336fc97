"""The pages that list what can be typed, set and measured: docs/reference, made from the code."""

import re
from collections.abc import Container, Iterator, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import typer
from prometheus_client.metrics import MetricWrapperBase
from pydantic_settings import BaseSettings
from typer.core import TyperArgument, TyperCommand, TyperGroup

from infra.generate.markdown import Row, default, table
from saga import Service, Settings
from saga.cli.app import app
from saga.cli.endpoints import Endpoints

FOLDER = Path("docs/reference")
VARIABLE = re.compile(r"\bSAGA_[A-Z_]+(?:<[A-Z]+>)?")
SUFFIXES = {"counter": "_total"}
COMMAND_LINE = """# The command line

Made from the commands by `make generate`; `saga COMMAND --help` tells the same. Where servers are, `saga` reads from
[variables](settings.md#of-the-command-line), and what these don't say from `.run/endpoints.json`, which `make up`
leaves in the folder. What goes wrong is told in one line on standard error, and then the exit code is 1.
"""
SETTINGS = """# Settings

Made from the settings classes by `make generate`. All are environment variables. In containers, those of services may
also be files of their names in `/run/secrets`. Durations are written `250ms`, `5s`, `5m`, `12h`, `30d`. A program
doesn't start if one is missing or wrong, and names it.
"""
OF_ALL_SERVICES = """## Of all services

Each begins with the service's name: `INVENTORY_AMQP_URL`, `PAYMENT_BATCH`.
"""
OF_ONE_SERVICE = """## Of one service
"""
OF_THE_COMMAND_LINE = """## Of the command line
"""
BESIDES: Sequence[Row] = (
    ("`SAGA_RETRY_TIERS`", "`5s,30s,5m`", "the services' retry tiers, for `saga provision` and `saga topology`"),
    ("`SAGA_PASSWORD_…`", "required", "a password for each service, and for `PUBLISHER`, for `saga provision`"),
    ("`SAGA_SERVICES`", "—", "`MODULE:NAME` of a sequence of services, instead of those that are installed"),
)
"""What is read where it is needed."""
METRICS = """# Metrics

Made from the code by `make generate`. Each service tells them at `/metrics`, without a token; a histogram as `_bucket`,
`_sum` and `_count`. What to do when one of them rises: [operations](../operations.md#dashboards-and-alerts).
"""


def documents(told: Sequence[Service]) -> Iterator[tuple[Path, str]]:
    yield FOLDER / "command-line.md", command_line()
    yield FOLDER / "settings.md", settings(told)
    yield FOLDER / "metrics.md", metrics()


def command_line() -> str:
    added = {entry.name: entry.load() for entry in entry_points(group="saga.commands")}
    groups = {"saga": app} | {f"saga {name}": group for name, group in sorted(added.items())}
    sections = (one for words, group in groups.items() for one in commands(typer.main.get_command(group), words))
    return "\n".join([COMMAND_LINE, *sections])


def commands(command: Any, words: str) -> Iterator[str]:
    """A section for the command, or for each of the group's."""
    if isinstance(command, TyperGroup):
        for name, part in command.commands.items():
            yield from commands(part, f"{words} {name}")
    else:
        yield section(command, words)


def section(command: TyperCommand, words: str) -> str:
    told = VARIABLE.sub(r"`\g<0>`", command.help or "")
    rows = [row(parameter) for parameter in command.params]
    listed = [*table(("", "means", "default"), rows), ""] if rows else []
    return "\n".join([f"## `{words}`", "", told, "", *listed])


def row(parameter: Any) -> Row:
    """Of an argument or an option: how it is written, what it means, and what holds without it."""
    value = parameter.metavar or (parameter.name or "").upper()
    names = [value] if isinstance(parameter, TyperArgument) else [*parameter.opts]
    flag = isinstance(parameter, TyperArgument) or parameter.is_flag
    written = ", ".join(f"`{name}`" if flag else f"`{name} {value}`" for name in names)
    return written, VARIABLE.sub(r"`\g<0>`", parameter.help or ""), without(parameter)


def without(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    return f"`{parameter.default}`" if parameter.default else "—"


def settings(told: Sequence[Service]) -> str:
    parts = (
        (OF_ALL_SERVICES, variables("…_", Settings)),
        (OF_ONE_SERVICE, of_one_service(told)),
        (OF_THE_COMMAND_LINE, [*variables("SAGA_", Endpoints), *BESIDES]),
    )
    tables = ("\n".join([title, *table(("variable", "default", "means"), rows), ""]) for title, rows in parts)
    return "\n".join([SETTINGS, *tables])


def variables(prefix: str, model: type[BaseSettings], but: Container[str] = ()) -> Iterator[Row]:
    for name, field in model.model_fields.items():
        if name not in but:
            yield f"`{prefix}{name}`".upper(), default(field), str(field.description)


def of_one_service(told: Sequence[Service]) -> Iterator[Row]:
    for service in told:
        known = vars(import_module(f"{service.package}.settings")).values()
        own = (thing for thing in known if isinstance(thing, type) and issubclass(thing, Settings))
        model = next(thing for thing in own if thing is not Settings)
        yield from variables(f"{service.name}_", model, but=Settings.model_fields)


def metrics() -> str:
    parts = (("All services", "saga.metrics"), ("The observer", "observer_service.metrics"))
    head = ("metric", "kind", "by", "means")
    tables = ("\n".join([f"## {title}", "", *table(head, measured(module)), ""]) for title, module in parts)
    return "\n".join([METRICS, *tables])


def measured(module: str) -> Iterator[Row]:
    for metric in vars(import_module(module)).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            by = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001 — there is no other way to ask
            yield f"`{family.name}{SUFFIXES.get(family.type, '')}`", family.type, by or "—", family.documentation
