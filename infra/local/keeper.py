"""
Keeps one server: runs it, and outlives whoever asked for it by as long as it takes to stop it.

A script of its own, with the standard library only. Standard input brings one line of JSON (a `Task`) and is then the
lifeline: at its end, however it came about, the server is stopped cleanly, then by force, with everything that it
started; its log moves to where the last one is kept and its folder is removed. The exit code is the server's.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

PR_SET_CHILD_SUBREAPER = 36
SWEEP_SECONDS = 5.0


class Task(TypedDict):
    steps: list[list[str]]  # one after the other; the last is the server
    env: dict[str, str]
    folder: str  # where it runs; removed at the end
    user: int | None
    group: int | None
    stop: int  # the signal that asks the server to stop
    grace: float  # seconds until it is killed
    farewell: list[str]  # run at the end; may be empty
    log: str
    kept_log: str  # where the last log stays; empty to keep none
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


def asked_to_stop(child: subprocess.Popen[bytes], signals: int, owner: int) -> bool:
    """Wait for the child's end (False) or for the owner's wish or death (True)."""
    while child.poll() is None:
        readable, _, _ = select.select([sys.stdin, signals], [], [], 1.0)
        if sys.stdin in readable:
            return True
        if signals in readable and any(number != signal.SIGCHLD for number in os.read(signals, 64)):
            return True
        if os.getppid() != owner:  # a fork of the owner may still hold the lifeline
            return True
    return False


def stop(child: subprocess.Popen[bytes], number: int, grace: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
        child.send_signal(number)
        child.wait(grace)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


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


def run(task: Task) -> int:
    signals = listen_to_signals()
    code = 0
    for argv in task["steps"]:
        child = subprocess.Popen(
            argv,
            cwd=task["folder"],
            env=task["env"],
            stdin=subprocess.DEVNULL,
            user=task["user"],
            group=task["group"],
            extra_groups=None if task["user"] is None else [],
            start_new_session=True,
            umask=0o077,
        )
        if asked_to_stop(child, signals, task["owner"]):
            stop(child, task["stop"], task["grace"])
            break
        code = child.returncode
        if code != 0:
            break
    return code


def main() -> int:
    task: Task = json.loads(sys.stdin.readline())
    adopt_orphans()
    try:
        return run(task)
    finally:
        sweep()
        if task["farewell"]:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                subprocess.run(task["farewell"], check=False, capture_output=True, timeout=30)
        shutil.rmtree(task["folder"], ignore_errors=True)
        with contextlib.suppress(OSError):
            if task["kept_log"]:
                Path(task["log"]).replace(task["kept_log"])
            else:
                Path(task["log"]).unlink()


if __name__ == "__main__":
    sys.exit(main() and 1)
