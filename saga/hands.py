"""Work that a transaction stores, and that its own process goes on with at once.

A row is stored under a lease by whoever means to go on with it: after the commit it is handed over in memory, and
nobody has to look for it. When the process dies meanwhile, the lease ends, and whoever looks next takes the row over.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol, TypeVar

W_contra = TypeVar("W_contra", contravariant=True)

NONE = timedelta(0)
"""No lease: the row is for whoever looks first."""


class Hands(Protocol[W_contra]):
    """Who goes on with the work of others."""

    def lease(self, pieces: int) -> timedelta:
        """For how long it can promise to be at so many pieces; NONE, when its hands are full."""
        ...

    def take(self, work: Sequence[W_contra]) -> None:
        """What has been committed under that lease; it may be nothing, if there was none."""
        ...


class Nobody:
    """What is stored waits for others."""

    def lease(self, pieces: int) -> timedelta:  # noqa: ARG002 — however many there are
        return NONE

    def take(self, work: Sequence[object]) -> None:
        """Nobody is there to take it."""
