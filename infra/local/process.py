"""Children that end with us."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from infra.local.errors import PortTaken, ServersUnavailable
from infra.local.home import Home, User, make_home
from infra.local.keeper import SWEEP_SECONDS, Task

GRACE = 10.0  # seconds to stop in, before force
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)  # before a server that ends at once, again and again, is started again
LAST_LINES = 15
POLL = 0.05
PIPE_BYTES = 65_536  # as much as a pipe holds
PORT_TAKEN = (b"address already in use", b"address in use", b"eaddrinuse", b"port is already allocated")


class Child:
    """
    A server in the care of a keeper (see keeper.py), which stops it when we ask, and also when we are gone: after an
    exception, a SIGTERM or a SIGKILL. It is out of reach of the terminal's Ctrl-C, so that we decide when it stops.
    """

    def __init__(self, task: Task, log: BinaryIO) -> None:
        self._log = log
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("keeper.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        assert self._keeper.stdin is not None  # noqa: S101 - told to the type checker
        assert self._keeper.stdout is not None  # noqa: S101 - see above
        self._lifeline = self._keeper.stdin
        self._told = self._keeper.stdout
        os.set_blocking(self._told.fileno(), False)
        self._pid = self._former = 0
        self._lifeline.write(json.dumps(task).encode() + b"\n")
        self._lifeline.flush()
        self._patience = 2 * task["grace"] + SWEEP_SECONDS + 100  # 30 for each of the three commands that may be run

    def ended(self) -> bool:
        return self._keeper.poll() is not None

    def pid(self) -> int:
        """Its process; 0 while there is none."""
        with contextlib.suppress(BlockingIOError):
            while not self.ended() and (told := os.read(self._told.fileno(), PIPE_BYTES)):
                self._pid = int(told.split()[-1])
        return 0 if self.ended() else self._pid

    def endure(self) -> None:
        """From now on it is started again, in its home, when it ends by itself or by one of these two wishes."""
        self._wish("endure")

    def kill(self, pause: float = 0) -> None:
        """SIGKILL for it and all that it started. One that endures is started again so many seconds later."""
        self._former = self.pid()
        self._wish(f"kill {pause}")

    def restart(self, pause: float = 0) -> None:
        """The same, but it may stop cleanly."""
        self._former = self.pid()
        self._wish(f"restart {pause}")

    def runs_again(self) -> bool:
        """It runs, and is not the one that was ended by a wish."""
        return self.pid() not in {0, self._former}

    def last_words(self) -> bytes:
        """The last lines of its log."""
        size = os.fstat(self._log.fileno()).st_size
        tail = os.pread(self._log.fileno(), 8_192, max(0, size - 8_192))
        return b"\n".join(tail.strip().splitlines()[-LAST_LINES:])

    def release(self) -> None:
        """Ask it to stop; `join` waits for it."""
        self._lifeline.close()

    def join(self) -> None:
        """It is gone afterwards, with all that it started."""
        self._lifeline.close()
        self._keeper.wait(self._patience)
        self._told.close()
        self._log.close()

    def _wish(self, wish: str) -> None:
        if not self._lifeline.closed:
            with contextlib.suppress(BrokenPipeError):  # it has ended
                os.write(self._lifeline.fileno(), f"{wish}\n".encode())


class Children:
    """What was started, all of it stopped at the end of the block, all at the same time."""

    def __init__(self) -> None:
        self._all: list[Child] = []
        self._homes: list[Home] = []
        self._kept_logs: set[Path] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for child in self._all:
            child.release()
        for child in self._all:
            child.join()
        for home in self._homes:  # of those that an interrupt kept from starting
            shutil.rmtree(home.folder, ignore_errors=True)

    def home(self, run: Path, name: str, user: User | None = None) -> Home:
        """A home that is gone at the end of the block, too. All that had this name in the block share one kept log."""
        self._homes.append(home := make_home(run, name, user))
        if home.kept_log and home.kept_log not in self._kept_logs:  # it is of an earlier block
            self._kept_logs.add(home.kept_log)
            home.kept_log.unlink(missing_ok=True)
        return home

    def start(
        self,
        home: Home,
        *steps: Sequence[str],
        env: Mapping[str, str],
        stop: signal.Signals = signal.SIGTERM,
        grace: float = GRACE,
        elsewhere: Iterable[str] = (),
        pauses: Iterable[float] = PAUSES,
        farewell: Iterable[str] = (),
    ) -> Child:
        """Run the steps one after the other, the last of which is the server, in its home and as the home's user."""
        task = Task(
            steps=[list(step) for step in steps],
            env=dict(env),
            folder=str(home.folder),
            user=home.user.uid if home.user else None,
            group=home.user.gid if home.user else None,
            stop=stop.value,
            grace=grace,
            elsewhere=list(elsewhere),
            pauses=list(pauses),
            farewell=list(farewell),
            log=str(home.log),
            kept_log=str(home.kept_log or ""),
            owner=os.getpid(),
        )
        child = Child(task, home.log.open("w+b"))
        self._all.append(child)
        return child


def wait_until(ready: Callable[[], bool], children: Sequence[Child], name: str, seconds: float) -> None:
    """Return when it is ready; an error with the log's last lines when one of its processes ends or time runs out."""
    deadline = time.monotonic() + seconds
    while not ready():
        dead = [child for child in children if child.ended()]
        if not dead and time.monotonic() < deadline:
            time.sleep(POLL)
            continue
        words = b"\n".join(child.last_words() for child in dead or children)
        for child in children:
            child.release()
        taken = any(sign in words.lower() for sign in PORT_TAKEN)
        what = "ended while it started" if dead else f"was not ready after {seconds:.0f} s"
        raise (PortTaken if dead and taken else ServersUnavailable)(
            f"{name} {what}. Its last words:\n{words.decode(errors='replace')}"
        )
