"""What a participant may be called: it will be the name of a package, a variable, a queue, a database and a user."""

import builtins
import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from tokenize import NAME, generate_tokens

from infra.new.errors import NameTaken, NoName
from infra.new.participant import Participant
from infra.new.places import composed
from infra.new.rendering import rendered
from saga import Service
from saga.topology import derive

MOST = 32
"""Letters. PostgreSQL cuts names off at 63, and those of constraints are longer than ours."""
SHAPE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
SUFFIX = "_service"
USERS = ("admin", "guest", "none", "postgres", "public", "template0", "template1")
"""Whom the servers have already, or what they have for a database, or keep for themselves."""
RESERVED = "pg_"
"""With what the names of PostgreSQL's own roles begin."""
ROUTES = ("health", "metrics", "dead")
"""What stands at every service's API already."""
ADDRESSES = ("amqp", "amqp_publisher", "management", "postgres", "token")
"""What else than services stands in `.run/endpoints.json`."""


def check_name(name: str, root: Path, services: Sequence[Service]) -> None:
    """Raises NoName, or NameTaken where something at the servers or in the checkout is called so."""
    if why := _unusable(name):
        raise NoName(name, why)
    if by := next(_taken(name, root, services), ""):
        raise NameTaken(name, by)


def check_words(participant: Participant) -> None:
    """Raises NoName where the code that is made calls something else so."""
    nameless = rendered(replace(participant, name="_"))
    for code in (text for path, text in nameless if path.suffix == ".py"):
        if participant.name in {word.string for word in generate_tokens(StringIO(code).readline) if word.type == NAME}:
            raise NoName(participant.name, "the code that is made calls something else so")


def _unusable(name: str) -> str:
    if not SHAPE.fullmatch(name):
        return "say it in small letters, digits and single underscores, beginning with a letter, as in gift_card"
    if name.endswith(SUFFIX):
        return f"its folder will end in {SUFFIX} by itself, so say {name.removesuffix(SUFFIX)}"
    if len(name) > MOST:
        return f"it has {len(name)} letters, and {MOST} are the most"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) or hasattr(builtins, name):
        return "Python means something else by it"
    return ""


def _taken(name: str, root: Path, services: Sequence[Service]) -> Iterator[str]:
    topology = derive(services)
    if name in {service.name for service in services}:
        yield "there is a service of that name"
    yield from (f"it is the exchange of {service.name}" for service in services if service.exchange == name)
    if name in {exchange.name for exchange in topology.exchanges} | {queue.name for queue in topology.queues}:
        yield "there is an exchange or a queue of that name"
    if name in {user.name for user in topology.users} or name in USERS or name.startswith(RESERVED):
        yield "the servers have a user or a database of that name"
    if name in ROUTES:
        yield "every service's API has something else under that name"
    if name in ADDRESSES:
        yield ".run/endpoints.json has something else under that name"
    if name in composed((root / "compose.yaml").read_text(encoding="utf-8")):
        yield "compose.yaml has a container of that name"
    if (root / f"{name}{SUFFIX}").exists():
        yield f"the folder {name}{SUFFIX} is there already"
