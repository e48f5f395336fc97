"""What is measured, when it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Running:
    """A contender that is ready: where orders are published, its processes, and its databases for the superuser."""

    amqp: str
    pids: Mapping[str, int]
    databases: Mapping[str, str] = field(default_factory=dict)
