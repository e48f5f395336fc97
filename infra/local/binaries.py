"""The servers that this machine has."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST_POSTGRES = (15,)
OLDEST_RABBITMQ = (3, 10)
FOLDERS = (
    "/usr/local/bin",
    "/usr/bin",
    "/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
)
POSTGRES_PLACES = (
    "usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "usr/pgsql-*/bin",  # PGDG's packages for Red Hat
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
RABBITMQ_PLACES = (
    "usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin",  # Debian, Ubuntu, Red Hat; /usr/sbin has a wrapper that uses su
    "opt/rabbitmq*/sbin",
    "opt/homebrew/opt/rabbitmq/sbin",
    "usr/local/opt/rabbitmq/sbin",
    "usr/local/rabbitmq_server-*/sbin",
    "home/linuxbrew/.linuxbrew/opt/rabbitmq/sbin",
)


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    version: str
    folder: Path


@dataclass(frozen=True, slots=True)
class RabbitBinaries:
    version: str
    server: Path  # the real script, not a distribution's wrapper
    epmd: Path


def search_path() -> str:
    """Where programs are looked for, and what the servers get as PATH."""
    return os.pathsep.join(dict.fromkeys([*os.get_exec_path(), *FOLDERS]))


def find_postgres() -> PostgresBinaries | None:
    """The newest PostgreSQL that is new enough."""
    places = [*_glob(POSTGRES_PLACES), *(Path(found).resolve().parent for found in _which("postgres"))]
    found = [(version, place) for place in places if (version := _postgres_version(place)) >= OLDEST_POSTGRES]
    if not found:
        return None
    version, place = max(found)
    return PostgresBinaries(".".join(map(str, version)), place)


def find_rabbitmq() -> RabbitBinaries | None:
    """The newest RabbitMQ that is new enough, where there is also an Erlang to run it."""
    erl = next(_which("erl"), None)
    epmd = erl and _epmd(Path(erl))
    places = [*_glob(RABBITMQ_PLACES), *(Path(found).resolve().parent for found in _which("rabbitmq-server"))]
    found = [(version, place) for place in places if (version := _rabbitmq_version(place)) >= OLDEST_RABBITMQ]
    if not epmd or not found:
        return None
    version, place = max(found)
    return RabbitBinaries(".".join(map(str, version)), place / "rabbitmq-server", epmd)


def _glob(patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from Path("/").glob(pattern)


def _which(program: str) -> Iterator[str]:
    found = shutil.which(program, path=search_path())
    if found:
        yield found


def _version(text: str) -> tuple[int, ...]:
    number = re.search(r"\d+(\.\d+)*", text)
    return tuple(map(int, number[0].split("."))) if number else ()


def _postgres_version(folder: Path) -> tuple[int, ...]:
    if not (folder / "initdb").exists():
        return ()
    try:
        told = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return ()
    return _version(told.stdout)


def _rabbitmq_version(folder: Path) -> tuple[int, ...]:
    """From the plugin that is the broker itself: asking the server would start an Erlang machine."""
    if not (folder / "rabbitmq-env").exists():  # a wrapper stands alone
        return ()
    return max((_version(plugin.name) for plugin in folder.parent.glob("plugins/rabbit-*")), default=())


def _epmd(erl: Path) -> Path | None:
    root = erl.resolve().parent.parent
    return max(root.glob("erts-*/bin/epmd"), default=None) or next(map(Path, _which("epmd")), None)
