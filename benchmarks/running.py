"""What is measured, when it runs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Running:
    """A contender that is ready: where orders are published, its processes, and its databases for the superuser.

    `audit` holds its books against each other, where they can be; it tells of how many orders, or raises BooksDiffer.
    """

    amqp: str
    pids: Mapping[str, int]
    databases: Mapping[str, str] = field(default_factory=dict)
    audit: Callable[[], Awaitable[int]] | None = None


class BooksDiffer(Exception):
    """However fast it was, it was wrong."""
