"""Private servers in containers, where a Docker Engine answers. They end with us, as processes do."""

import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.local import postgres, rabbitmq
from infra.local.kept import Kept
from infra.local.ports import LOOPBACK, free_ports
from infra.local.process import Child, Children
from infra.local.ready import postgres_answers, rabbitmq_answers

POSTGRES_IMAGE = "postgres:17"
RABBITMQ_IMAGE = "rabbitmq:4-management"
# The settings travel in the environment: an engine may not see our files, where it runs elsewhere.
POSTGRES_SCRIPT = (
    'printf %s "$SETTINGS" > /etc/postgresql.conf && '
    'exec docker-entrypoint.sh postgres -c config_file=/etc/postgresql.conf -c "listen_addresses=*"'
)
RABBITMQ_SCRIPT = (
    'printf %s "$SETTINGS" > /etc/rabbitmq/conf.d/20-saga.conf && exec docker-entrypoint.sh rabbitmq-server'
)


def why_not() -> str:
    """Why there can be no containers; empty where there can."""
    try:
        told = _docker("info", "--format", "{{.ServerVersion}}", seconds=15)
    except OSError:
        return "there is no docker command"
    return "" if told.returncode == 0 else f"Docker does not answer ({_last_line(told)})"


def fetch(say: Callable[[str], None]) -> str:
    """Have the images here; or tell why not."""
    for image in (POSTGRES_IMAGE, RABBITMQ_IMAGE):
        if _docker("image", "inspect", image, seconds=30).returncode == 0:
            continue
        say(f"Fetching the image {image} …")
        told = _docker("pull", "--quiet", image, seconds=900)
        if told.returncode != 0:
            return f"the image {image} cannot be fetched ({_last_line(told)})"
    return ""


class ContainerPostgres(Kept):
    name = f"The container {POSTGRES_IMAGE}"
    seconds = 120.0

    def __init__(self, run: Path, children: Children) -> None:
        self._password = secrets.token_hex(16)
        (self._port,) = free_ports(1)
        settings = {
            "SETTINGS": postgres.SETTINGS.read_text(encoding="utf-8"),
            "POSTGRES_PASSWORD": self._password,
            "POSTGRES_INITDB_ARGS": f"--no-sync --encoding=UTF8 --locale={postgres.LOCALE}",
        }
        container = f"saga-postgres-{secrets.token_hex(4)}"
        ports = {self._port: 5432}
        super().__init__(
            _start(children, run, container, POSTGRES_IMAGE, settings, ports, POSTGRES_SCRIPT, stop=signal.SIGINT)
        )

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self._password}@{LOOPBACK}:{self._port}/postgres"

    def _ready(self) -> bool:
        return postgres_answers(self._port)


class ContainerRabbitMQ(Kept):
    name = f"The container {RABBITMQ_IMAGE}"
    seconds = 120.0

    def __init__(self, run: Path, children: Children) -> None:
        self._password = secrets.token_hex(16)
        self._container = f"saga-rabbitmq-{secrets.token_hex(4)}"
        self._amqp, self._management, self._metrics = free_ports(3)
        settings = {
            "SETTINGS": f"{rabbitmq.SETTINGS.read_text(encoding='utf-8')}\n"
            f"default_user = {rabbitmq.USER}\ndefault_pass = {self._password}\n{rabbitmq.SMALL_DISK}",
        }
        ports = {self._amqp: 5672, self._management: 15672, self._metrics: 15692}
        super().__init__(_start(children, run, self._container, RABBITMQ_IMAGE, settings, ports, RABBITMQ_SCRIPT))

    @property
    def amqp(self) -> str:
        return f"amqp://{rabbitmq.USER}:{self._password}@{LOOPBACK}:{self._amqp}/"

    @property
    def management(self) -> str:
        return f"http://{rabbitmq.USER}:{self._password}@{LOOPBACK}:{self._management}"

    @property
    def metrics(self) -> str:
        return f"http://{LOOPBACK}:{self._metrics}/metrics"

    def rabbitmqctl(self, *arguments: str) -> str:
        """What it answers; an error, if it fails."""
        return rabbitmq.answer(_docker("exec", self._container, "rabbitmqctl", *arguments, seconds=60))

    def _ready(self) -> bool:
        return rabbitmq_answers(self._management, rabbitmq.USER, self._password, amqp_port=5672)


def _start(
    children: Children,
    run: Path,
    container: str,
    image: str,
    settings: Mapping[str, str],
    ports: Mapping[int, int],
    script: str,
    stop: signal.Signals = signal.SIGTERM,
) -> Child:
    """
    Make the container once, so that its data and its ports stay the same, and attach to it as often as it is started:
    that ends with the container.
    """
    create = ["docker", "create", "--name", container]
    for outside, inside in ports.items():
        create += ["--publish", f"{LOOPBACK}:{outside}:{inside}"]
    for name in settings:
        create += ["--env", name]  # without the value, which others could read in the list of processes
    create += ["--entrypoint", "sh", image, "-c", script]
    return children.start(
        children.home(run, container.split("-")[1]),
        create,
        ["docker", "start", "--attach", container],
        env={**os.environ, **settings},
        stop=stop,
        elsewhere=["docker", "kill", "--signal={signal}", container],
        farewell=["docker", "rm", "--force", "--volumes", container],
    )


def _docker(*arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    command = ["docker", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {seconds:.0f} s")


def _last_line(told: subprocess.CompletedProcess[str]) -> str:
    return (told.stderr.strip() or told.stdout.strip() or "no word").splitlines()[-1]
