"""A private PostgreSQL server from this machine's binaries."""

import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.binaries import PostgresBinaries, search_path
from infra.local.home import server_user
from infra.local.kept import Kept
from infra.local.ports import LOOPBACK, free_ports
from infra.local.process import Child, Children
from infra.local.ready import postgres_answers

SETTINGS = Path(__file__).parent.parent / "postgres" / "postgresql.conf"
LOCALE = "C.UTF-8" if sys.platform == "linux" else "C"  # the same order of strings on every machine


class Postgres(Kept):
    """A fresh cluster that listens on the loopback interface only, and only for those who know the password.

    `told` is added to its environment.
    """

    name = "PostgreSQL"
    seconds = 60.0

    def __init__(
        self, binaries: PostgresBinaries, run: Path, children: Children, told: Mapping[str, str] | None = None
    ) -> None:
        self._data = Path()
        self._told = told or {}
        super().__init__(self._start(binaries, run, children))

    def _start(self, binaries: PostgresBinaries, run: Path, children: Children) -> Child:
        home = children.home(run, "postgres", server_user("postgres"))
        (self._port,) = free_ports(1)
        password = secrets.token_hex(16)
        self.url = f"postgresql://postgres:{password}@{LOOPBACK}:{self._port}/postgres"
        self._data = home.folder / "data"
        settings = home.write("postgresql.conf", SETTINGS.read_text(encoding="utf-8"))
        initdb = [
            str(binaries.folder / "initdb"),
            f"--pgdata={self._data}",
            "--username=postgres",
            f"--pwfile={home.write('password', password)}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            f"--locale={LOCALE}",
            "--no-sync",  # an empty cluster is no loss; what is committed later is synced
        ]
        options = {
            "config_file": settings,
            "listen_addresses": LOOPBACK,
            "port": self._port,
            "unix_socket_directories": "",  # one door; and no path is too long for a socket
        }
        postgres = [str(binaries.folder / "postgres"), "-D", str(self._data)]
        for option, value in options.items():
            postgres += ["-c", f"{option}={value}"]
        env = {"PATH": search_path(), "HOME": str(home.folder), "LC_ALL": LOCALE, "TZ": "UTC", **self._told}
        return children.start(home, initdb, postgres, env=env, stop=signal.SIGINT)  # SIGINT: "fast" shutdown

    def _ready(self) -> bool:
        """Our server, not another at the port, says so in its own file; then it also answers."""
        try:
            ours = "ready" in (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[-1]
        except (OSError, IndexError):
            return False
        return ours and postgres_answers(self._port)
