"""What all servers have in common, however they are run."""

from abc import ABC, abstractmethod

from infra.local.process import Child, wait_until


class Kept(ABC):
    """A server that, since it was ready for the first time, is started again with its data whenever it ends."""

    name: str
    seconds: float  # to be ready in

    def __init__(self, *children: Child) -> None:
        self._children = children
        self._server = children[-1]

    def wait(self) -> None:
        """Return when it answers; after `kill` and `restart`, when it answers again."""
        wait_until(lambda: self._server.runs_again() and self._ready(), self._children, self.name, self.seconds)
        for child in self._children:
            child.endure()

    def pid(self) -> int:
        """Its process, or of a container its client; 0 while there is none."""
        return self._server.pid()

    def kill(self, pause: float = 0) -> None:
        """SIGKILL, at once; it is started again so many seconds later, at the same ports."""
        self._server.kill(pause)

    def restart(self, pause: float = 0) -> None:
        """Have it stop cleanly; it is started again so many seconds later, at the same ports."""
        self._server.restart(pause)

    @abstractmethod
    def _ready(self) -> bool: ...
