"""Where a server lives, and whom it runs as."""

import contextlib
import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import ServersUnavailable


@dataclass(frozen=True, slots=True)
class User:
    uid: int
    gid: int


def server_user(*preferred: str) -> User | None:
    """Whom a server runs as: us (None), or, since servers never run as root, the first of these that exists."""
    if os.geteuid() != 0:
        return None
    for name in (*preferred, "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return User(entry.pw_uid, entry.pw_gid)
    raise ServersUnavailable(f"Servers never run as root, and there is no user {' or '.join(preferred)} or nobody.")


@dataclass(frozen=True, slots=True)
class Home:
    """A new folder of the server's own, and its log, which only we write."""

    folder: Path
    user: User | None
    log: Path
    kept_log: Path | None  # what the log is called when the server has stopped; None where it is not kept

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """A file that the server's user owns and nobody else reads."""
        path = self.folder / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if self.user is not None:
                os.fchown(descriptor, self.user.uid, self.user.gid)
            file.write(text)
        return path


def make_home(run: Path, name: str, user: User | None) -> Home:
    """
    A home under `run`, or in a scratch folder where `run` cannot be written or the server's user cannot get there
    (a clone under somebody's closed home). The log is in `run` wherever we can write there.
    """
    with contextlib.suppress(OSError):
        run.mkdir(parents=True, exist_ok=True)
    keep_logs = os.access(run, os.W_OK | os.X_OK)
    for base in (run, Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108 - mkdtemp's own
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"saga-{name}-", dir=base))
        except OSError:
            continue
        if user is not None:
            os.chown(folder, user.uid, user.gid)
        if _usable(folder, user):
            log = (run if keep_logs else base) / f"{folder.name}.log"
            return Home(folder, user, log, run / f"{name}.log" if keep_logs else None)
        folder.rmdir()
    raise ServersUnavailable(f"There is no folder for the data of {name}: neither {run} nor {tempfile.gettempdir()}.")


def _usable(folder: Path, user: User | None) -> bool:
    if user is None:
        return True
    test = ["test", "-w", str(folder)]
    return subprocess.run(test, user=user.uid, group=user.gid, extra_groups=[], cwd="/", check=False).returncode == 0
