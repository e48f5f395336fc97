"""
Keeps one server: runs it, and outlives whoever asked for it by as long as it takes to stop it.

A script of its own, with the standard library only. Standard input brings one line of JSON (a `Task`) and is then the
lifeline: at its end, however it came about, the server is stopped cleanly, then by force, with everything that it
started; its log goes to where logs are kept and its folder is removed. The exit code is the server's.

Until then each line is a wish: `endure` (from now on, start the server again whenever it ends, in the same folder),
`kill SECONDS` and `restart SECONDS` (end it by force or cleanly; if it shall endure, start it again so much later).
Standard output tells the id of each process that is started, and 0 when it has ended.
"""

import contextlib
import json
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import TypedDict

PR_SET_CHILD_SUBREAPER = 36
SWEEP_SECONDS = 5.0
LOOK_SECONDS = 1.0  # between looks for what no descriptor tells
QUICK_END = 20.0  # seconds after its start: RabbitMQ may take half of them to find out that it can't


class Stopped(Exception):
    """The owner wishes it, or is gone."""


class Task(TypedDict):
    steps: list[list[str]]  # one after the other; the last is the server
    env: dict[str, str]
    folder: str  # where it runs; removed at the end
    user: int | None
    group: int | None
    stop: int  # the signal that asks the server to stop
    grace: float  # seconds until it is killed
    elsewhere: list[str]  # sends "{signal}" to what runs elsewhere; empty for a process of ours
    pauses: list[float]  # seconds before it is started again, after so many quick ends in a row; then it is given up
    farewell: list[str]  # run at the end; may be empty
    log: str
    kept_log: str  # what the log is added to at the end; empty to keep none
    owner: int  # the process that asked


def adopt_orphans() -> None:
    """Daemons and grandchildren become ours when their parent dies, so that `sweep` finds them. Linux only."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def listen_to_signals() -> int:
    """Signals, the end of a child among them, arrive as bytes on the descriptor that comes back."""
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return told


def tell(pid: int) -> None:
    """To the owner, if it still listens; a full pipe must not hold us up."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), f"{pid}\n".encode())


def say(words: str) -> None:
    """To whoever reads the server's log."""
    with contextlib.suppress(OSError):
        os.write(sys.stderr.fileno(), f"keeper: {words}\n".encode())


def own_children() -> list[int]:
    """Orphans among them; empty where there is no /proc to ask."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            *_, after_the_name = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")
            if int(after_the_name.split()[1]) == os.getpid():
                found.append(int(stat.parent.name))
    return found


def sweep() -> None:
    """No descendant is left, whatever group or session it went to."""
    deadline = time.monotonic() + SWEEP_SECONDS
    while time.monotonic() < deadline:
        for pid in own_children():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


class Keeper:
    def __init__(self, task: Task, lifeline: FileIO) -> None:
        self._task = task
        self._lifeline = lifeline
        self._signals = listen_to_signals()
        self._endures = False

    def run(self) -> int:
        """All steps; the last exit code, or 0 where we were stopped."""
        *preparations, server = self._task["steps"]
        with contextlib.suppress(Stopped):
            for step in preparations:
                code, _ = self.see_through(step)
                if code != 0:
                    return code
            return self.serve(server)
        return 0

    def serve(self, server: list[str]) -> int:
        """Until it ends, if it doesn't endure; else until it has ended quickly too many times in a row."""
        quick_ends = 0
        while True:
            began = time.monotonic()
            code, pause = self.see_through(server)
            if not self._endures:
                return code
            sweep()
            if pause is None:
                quick_ends = quick_ends + 1 if time.monotonic() < began + QUICK_END else 1
                if quick_ends > len(self._task["pauses"]):
                    say(f"it has ended with {code} again, and is given up")
                    return code
                pause = self._task["pauses"][quick_ends - 1]
                say(f"it has ended with {code}, and is started again in {pause:g} s")
            for _ in self.wishes(seconds=pause):
                pass  # it is ended already

    def see_through(self, argv: list[str]) -> tuple[int, float | None]:
        """Its exit code; and, if it was ended by a wish, for how long."""
        pause = None
        child = self.start(argv)
        try:
            for wish in self.wishes(child):
                match wish:
                    case ["endure"]:
                        self._endures = True
                    case ["kill", seconds]:
                        pause = float(seconds)
                        self.kill(child)
                    case ["restart", seconds]:
                        pause = float(seconds)
                        self.stop(child)
        except Stopped:
            self.stop(child)
            raise
        finally:
            tell(0)
        return child.returncode, pause

    def wishes(self, child: subprocess.Popen[bytes] | None = None, seconds: float = math.inf) -> Iterator[list[str]]:
        """What the owner wishes until the child ends or the time is over; `Stopped` if it wishes nothing any more."""
        deadline = time.monotonic() + seconds
        lifeline, signals = self._lifeline.fileno(), self._signals
        while True:
            left = 0 if child and child.poll() is not None else max(0, deadline - time.monotonic())
            readable, _, _ = select.select([lifeline, signals], [], [], min(left, LOOK_SECONDS))
            if signals in readable and any(number != signal.SIGCHLD for number in os.read(signals, 64)):
                raise Stopped
            if os.getppid() != self._task["owner"]:  # a fork of the owner may still hold the lifeline
                raise Stopped
            if lifeline in readable:
                wish = self._lifeline.readline()
                if not wish:
                    raise Stopped
                yield wish.decode().split()
            elif not left:
                return

    def start(self, argv: list[str]) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            argv,
            cwd=self._task["folder"],
            env=self._task["env"],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,  # our own standard output is the owner's
            user=self._task["user"],
            group=self._task["group"],
            extra_groups=None if self._task["user"] is None else [],
            start_new_session=True,
            umask=0o077,
        )
        tell(child.pid)
        return child

    def stop(self, child: subprocess.Popen[bytes]) -> None:
        """Cleanly, and by force if that takes too long."""
        stop = signal.Signals(self._task["stop"])
        if not self.send_elsewhere(stop):
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(stop)
        try:
            child.wait(self._task["grace"])
        except subprocess.TimeoutExpired:
            self.kill(child)
        else:
            self.end(child)

    def kill(self, child: subprocess.Popen[bytes]) -> None:
        if self.send_elsewhere(signal.SIGKILL):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(self._task["grace"])
        self.end(child)

    def send_elsewhere(self, number: signal.Signals) -> bool:
        """Whether it runs elsewhere, and was sent the signal. A client may be gone before it has passed one on."""
        command = [word.replace("{signal}", number.name) for word in self._task["elsewhere"]]
        return bool(command) and run_quietly(command)

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Its whole group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(SWEEP_SECONDS)


def run_quietly(argv: list[str]) -> bool:
    """Whether it succeeded."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(argv, check=False, capture_output=True, timeout=30).returncode == 0
    return False


def put_away(log: Path, kept: Path) -> None:
    """The log is at the end of the kept one, after those of earlier starts."""
    with contextlib.suppress(OSError):
        if kept.exists():
            with log.open("rb") as new, kept.open("ab") as old:
                shutil.copyfileobj(new, old)
            log.unlink()
        else:
            log.replace(kept)


def main() -> int:
    with open(0, "rb", buffering=0) as lifeline:
        task: Task = json.loads(lifeline.readline())
        os.set_blocking(sys.stdout.fileno(), False)
        adopt_orphans()
        try:
            return Keeper(task, lifeline).run()
        finally:
            sweep()
            if task["farewell"]:
                run_quietly(task["farewell"])
            shutil.rmtree(task["folder"], ignore_errors=True)
            if task["kept_log"]:
                put_away(Path(task["log"]), Path(task["kept_log"]))
            else:
                Path(task["log"]).unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main() and 1)
