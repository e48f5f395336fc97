"""A change to a server, told before it is made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One thing to be made or altered, and how."""

    action: str
    kind: str
    name: str
    apply: Callable[[], Awaitable[None]]

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.name}"
