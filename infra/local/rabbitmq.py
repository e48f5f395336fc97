"""A private RabbitMQ server from this machine's binaries."""

import secrets
import subprocess
from pathlib import Path

from infra.local.binaries import RabbitBinaries, search_path
from infra.local.errors import ServersUnavailable
from infra.local.home import Home, server_user
from infra.local.kept import Kept
from infra.local.ports import LOOPBACK, free_ports
from infra.local.process import Children
from infra.local.ready import rabbitmq_answers

SETTINGS = Path(__file__).parent.parent / "rabbitmq" / "rabbitmq.conf"
PLUGINS = SETTINGS.with_name("enabled_plugins")
USER = "admin"
# Listeners and stores close in well under a second; older releases then sleep for 5 s (rabbitmq-server#11070).
GRACE = 2.0
SMALL_DISK = "disk_free_limit.absolute = 64MB\n"  # the data is small and lives no longer than the demo


class RabbitMQ(Kept):
    """
    A fresh node with its own name, cookie and port mapper (epmd), all on the loopback interface. It reads nothing of
    the machine's own broker: neither /etc/rabbitmq nor the user's environment or cookie.
    """

    name = "RabbitMQ"
    seconds = 90.0

    def __init__(self, binaries: RabbitBinaries, run: Path, children: Children) -> None:
        home = children.home(run, "rabbitmq", server_user("rabbitmq"))
        self._amqp, self._management, prometheus, distribution, mapper = free_ports(5)
        self._password = secrets.token_hex(16)
        login = f"{USER}:{self._password}@{LOOPBACK}"
        self.amqp = f"amqp://{login}:{self._amqp}/"
        self.management = f"http://{login}:{self._management}"
        self.metrics = f"http://{LOOPBACK}:{prometheus}/metrics"
        env = _environment(home, distribution, mapper)
        self._ctl, self._home, self._env = binaries.server.with_name("rabbitmqctl"), home, env
        home.write("rabbitmq.conf", self._settings(prometheus))
        mapper_home = children.home(run, "epmd", home.user)
        epmd = [str(binaries.epmd), "-port", str(mapper), "-address", LOOPBACK]
        super().__init__(
            children.start(mapper_home, epmd, env=env),
            children.start(home, [str(binaries.server)], env=env, grace=GRACE),
        )

    def _ready(self) -> bool:
        # A port mapper that has ended lost its port to another one, which our node then uses: not private.
        return rabbitmq_answers(self._management, USER, self._password, self._amqp) and not self._children[0].ended()

    def rabbitmqctl(self, *arguments: str) -> str:
        """What it answers; an error, if it fails."""
        user = self._home.user
        told = subprocess.run(
            [self._ctl, *arguments],
            cwd=self._home.folder,
            env=self._env,
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return answer(told)

    def _settings(self, prometheus: int) -> str:
        return f"""{SETTINGS.read_text(encoding="utf-8")}
# What this start has chosen.
listeners.tcp.local = {LOOPBACK}:{self._amqp}
management.tcp.ip = {LOOPBACK}
management.tcp.port = {self._management}
prometheus.tcp.ip = {LOOPBACK}
prometheus.tcp.port = {prometheus}
default_user = {USER}
default_pass = {self._password}
{SMALL_DISK}"""


def answer(told: subprocess.CompletedProcess[str]) -> str:
    """What a command said; an error, if it failed."""
    if told.returncode != 0:
        raise ServersUnavailable(f"{' '.join(map(str, told.args))} failed:\n{told.stdout}{told.stderr or ''}")
    return told.stdout


def _environment(home: Home, distribution: int, mapper: int) -> dict[str, str]:
    """All of it, written down: whatever the caller's environment says about RabbitMQ and Erlang is left out."""
    home.write(".erlang.cookie", secrets.token_hex(16), mode=0o400)
    return {
        "PATH": search_path(),
        "HOME": str(home.folder),  # where Erlang looks for the cookie
        "LANG": "C.UTF-8",
        "ERL_EPMD_ADDRESS": LOOPBACK,
        "ERL_EPMD_PORT": str(mapper),
        "ERL_CRASH_DUMP_BYTES": "0",
        "RABBITMQ_NODENAME": f"saga-{secrets.token_hex(4)}@localhost",  # needs no resolvable name of the machine
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_CONF_ENV_FILE": str(home.write("rabbitmq-env.conf", "")),
        "RABBITMQ_CONFIG_FILE": str(home.folder / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(home.folder / "conf.d" / "*.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home.write("advanced.config", "[].\n")),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home.write("enabled_plugins", PLUGINS.read_text(encoding="utf-8"))),
        "RABBITMQ_MNESIA_BASE": str(home.folder / "data"),
        "RABBITMQ_LOG_BASE": str(home.folder / "log"),
        "RABBITMQ_LOGS": "-",  # to standard output, which is the log beside the home
        "RUNNING_UNDER_SYSTEMD": "1",  # the script becomes the Erlang machine, instead of waiting for it
    }
