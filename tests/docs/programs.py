"""Whether the commands that the docs name exist, and would take what they are given. None is carried out."""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import pytest
import typer
import yaml
from fastapi.routing import APIRoute

from infra.local.system import EVERYBODY
from saga.cli.app import app
from tests.docs.blocks import ROOT, TUTORIAL, blocks
from tests.docs.shell import Command, commands

ENDPOINTS = {"amqp", "amqp_publisher", "management", "postgres", "token"} | {service.name for service in EVERYBODY}
"""What `.run/endpoints.json` has."""
AT_EVERY_DOOR = {"/metrics", "/health/live", "/health/ready", "/openapi.json"}
MADE_HERE = {block.file for block in blocks() if block.page == TUTORIAL}
"""The files of the tutorial's participant, which is in no checkout."""
MADE_PACKAGES = {file.partition("/")[0] for file in MADE_HERE if "/" in file}


class Parsed(BaseException):
    """A program has understood its arguments, and would now begin."""


def expect(command: Command) -> None:
    """Fail if there is no such program, option, file, variable or endpoint."""
    for name in command.told:
        assert name in variables(), f"no variable is named {name}"
    for file in command.reads:
        assert (ROOT / file).is_file(), f"there is no file {file}"
    if command.words:
        program, *arguments = command.words
        assert program in PROGRAMS, f"nobody accounts for the program {program}"
        PROGRAMS[program](arguments)


def expect_saga(arguments: Sequence[str]) -> None:
    added = {entry.name: entry for entry in entry_points(group="saga.commands")}
    if arguments and arguments[0] in added:
        understand(added[arguments[0]].load(), arguments[1:])
    else:
        understand(app, arguments)


def understand(program: typer.Typer, arguments: Sequence[str]) -> None:
    """Raises what the command line complains of."""
    command: Any = typer.main.get_command(program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command.context_class, "invoke", lambda *_, **__: None)
        command.main([*arguments], standalone_mode=False)


def expect_python(arguments: Sequence[str]) -> None:
    """`python -m MODULE …`, with what its parser takes."""
    flag, name, *rest = arguments
    assert flag == "-m", arguments
    if name in MADE_PACKAGES:
        return
    spec = find_spec(name)
    assert spec is not None, f"there is no module {name}"
    module = import_module(f"{name}.__main__" if spec.submodule_search_locations else name)
    if isinstance(found := getattr(module, "app", None), typer.Typer):
        understand(found, rest)
    elif hasattr(module, "argparse"):
        _expect_parsed(module.main, [name, *rest])
    else:
        assert not rest, f"{name} takes no arguments"


def _expect_parsed(main: Callable[[], object], arguments: list[str]) -> None:
    """What is run with others around it, as by `infra.local run -- …`, has to exist, too."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser) -> None:
        raise Parsed(parse(parser))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        patch.setattr(sys, "argv", arguments)
        with pytest.raises((Parsed, SystemExit)) as ended:
            main()
    if isinstance(ended.value, SystemExit):
        assert ended.value.code == 0, arguments  # --help
    elif inner := getattr(ended.value.args[0], "command", None):
        expect(Command(inner))


def expect_make(arguments: Sequence[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for argument in arguments:
        name, is_variable, _ = argument.partition("=")
        known = rf"\$\({name}\)" if is_variable else rf"^{name}:"
        assert re.search(known, makefile, re.MULTILINE), f"make knows no {name}"


def expect_curl(arguments: Sequence[str]) -> None:
    """Its URL is an endpoint of that service, with that method."""
    for word in arguments:
        for place in re.findall(r"at:(\w+)", word):
            assert place in ENDPOINTS or f"{place}_service" in MADE_PACKAGES, f"`at` knows no {place}"
    urls = [word for word in arguments if word.startswith("at:")]
    asked = arguments[arguments.index("-X") + 1] if "-X" in arguments else "POST" if "-d" in arguments else "GET"
    for url in urls:
        name, _, path = url.removeprefix("at:").partition("/")
        services = [service for service in EVERYBODY if service.name == name]
        for service in services:
            routes = [*import_module(f"{service.package}.api").router.routes]
            shapes = [
                route.path_format for route in routes if isinstance(route, APIRoute) and asked in (route.methods or ())
            ]
            patterns = [re.sub(r"\{\w+\}", "[^/]+", shape) for shape in (*shapes, *AT_EVERY_DOOR)]
            assert any(re.fullmatch(pattern, f"/{path}") for pattern in patterns), f"{name} has no {asked} /{path}"


def expect_export(arguments: Sequence[str]) -> None:
    for argument in arguments:
        assert argument.partition("=")[0] in variables(), f"no variable is named {argument}"


def expect_docker(arguments: Sequence[str]) -> None:
    """A profile of ours; the rest is Docker's own."""
    assert arguments[0] == "compose", arguments
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"].values()
    profiles = {profile for service in services for profile in service.get("profiles", ())}
    asked = {value for option, value in pairwise(arguments) if option == "--profile"}
    assert asked <= profiles, f"no profile is named {asked - profiles}"


def expect_files(arguments: Sequence[str]) -> None:
    for argument in arguments:
        assert (ROOT / argument).exists() or argument in MADE_HERE | {".venv/bin/activate"}, f"there is no {argument}"


def expect_nothing(_: Sequence[str]) -> None:
    """It is somebody else's."""


PROGRAMS: Mapping[str, Callable[[Sequence[str]], None]] = {
    "saga": expect_saga,
    ".venv/bin/saga": expect_saga,
    "python": expect_python,
    ".venv/bin/python": expect_python,
    "make": expect_make,
    "curl": expect_curl,
    "export": expect_export,
    "docker": expect_docker,
    ".": expect_files,
    "pytest": expect_files,
    "grep": expect_nothing,
    "env": expect_nothing,
    "rabbitmqctl": expect_nothing,
}


def variables() -> set[str]:
    """What is told by the page of settings, which is made from the code, by Compose, and by the local stack."""
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `([A-Z_…]+)`", page, re.MULTILINE)
    names = [service.name.upper() for service in EVERYBODY]
    ours = {name.replace("…", one) for name in told for one in (*names, "PUBLISHER")}
    compose = re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text(encoding="utf-8"))
    return ours | {*compose, "SAGA_LOCAL"}


def expect_all(text: str) -> None:
    for command in commands(text):
        expect(command)
