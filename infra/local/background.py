"""The whole system in the background: `up` leaves it running, `down` stops it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from infra.local.errors import ServersUnavailable

PATIENCE = 600.0  # packages may have to be installed first
STOP_SECONDS = 90.0


def up(run: Path) -> Mapping[str, str]:
    """Start the system as a process of its own and wait until it is ready; its endpoints. Once is enough."""
    pid, endpoints = _pid(run) or _started(run), run / "endpoints.json"
    deadline = time.monotonic() + PATIENCE
    while not endpoints.exists():  # somebody else may have started it a moment ago
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not _is_ours(pid) or time.monotonic() > deadline:
            (run / "system.pid").unlink(missing_ok=True)
            raise ServersUnavailable((run / "system.log").read_text(errors="replace").strip() or "it was stopped")
        time.sleep(0.1)
    told: dict[str, str] = json.loads(endpoints.read_text())
    return told


def _started(run: Path) -> int:
    """Its process."""
    run.mkdir(parents=True, exist_ok=True)
    (run / "endpoints.json").unlink(missing_ok=True)
    with (run / "system.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local", "--run", str(run), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (run / "system.pid").write_text(str(process.pid))
    return process.pid


def down(run: Path) -> bool:
    """Stop the system that `up` started, and wait until it is gone; False, if none was running."""
    pid = _pid(run)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_ours(pid):
        if time.monotonic() > deadline:
            raise ServersUnavailable(f"the system (process {pid}) did not stop within {STOP_SECONDS:.0f} s")
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)
    (run / "system.pid").unlink(missing_ok=True)
    return True


def _pid(run: Path) -> int | None:
    """The process that `up` started, if it is still that one."""
    try:
        pid = int((run / "system.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if _is_ours(pid) else None


def _is_ours(pid: int) -> bool:
    """Process ids are used again: only one that runs our command is meant."""
    shown = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "infra.local" in shown.stdout and "serve" in shown.stdout
