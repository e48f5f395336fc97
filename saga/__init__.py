"""The runtime: choreographed sagas on RabbitMQ and PostgreSQL, without a business word.

A participant is a `Service` with handlers, a `Settings` class, an API router, and `run`.
"""

from saga.api import Door
from saga.database import Pool, Tx, open_pool, queries, transaction
from saga.declarations import Step
from saga.errors import CommandRefused, SagaError
from saga.keys import derived
from saga.laws import Book, Law, Laws
from saga.messages import Call, Command, Kind, Refusal
from saga.problems import problem
from saga.runtime import Performers, run
from saga.service import Service
from saga.settings import Duration, Settings

__all__ = [
    "Book",
    "Call",
    "Command",
    "CommandRefused",
    "Door",
    "Duration",
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
