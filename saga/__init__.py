"""The runtime: choreographed sagas on RabbitMQ and PostgreSQL, without a business word.

A participant is a `Service` with handlers, a `Settings` class, an API router, and `run`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from saga.database import Pool, Tx, open_pool, queries, transaction
from saga.declarations import Step
from saga.errors import CommandRefused, SagaError
from saga.keys import derived
from saga.laws import Book, Law, Laws
from saga.messages import Call, Command, Intervention, Kind, Refusal
from saga.service import Service
from saga.settings import Duration, Settings

if TYPE_CHECKING:
    from saga.api import Door
    from saga.problems import problem
    from saga.runtime import Performers, run

__all__ = [
    "Book",
    "Call",
    "Command",
    "CommandRefused",
    "Door",
    "Duration",
    "Intervention",
    "Kind",
    "Law",
    "Laws",
    "Performers",
    "Pool",
    "Refusal",
    "SagaError",
    "Service",
    "Settings",
    "Step",
    "Tx",
    "derived",
    "open_pool",
    "problem",
    "queries",
    "run",
    "transaction",
]

_OF_THE_API = {"Door": "saga.api", "Performers": "saga.runtime", "problem": "saga.problems", "run": "saga.runtime"}
"""What needs a web framework, which takes a second to import, is imported by who asks for it: no command line does."""


def __getattr__(name: str) -> Any:
    if name not in _OF_THE_API:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_OF_THE_API[name]), name)
