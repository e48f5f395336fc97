"""Private servers in containers, where a Docker Engine answers. They end with us, as processes do."""

import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.local import postgres, rabbitmq
from infra.local.ports import LOOPBACK
from infra.local.process import Child, Children, wait_until
from infra.local.ready import postgres_answers, rabbitmq_answers

POSTGRES_IMAGE = "postgres:17"
RABBITMQ_IMAGE = "rabbitmq:4-management"
SECONDS = 120.0
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


class ContainerPostgres:
    name = f"The container {POSTGRES_IMAGE}"

    def __init__(self, run: Path, children: Children) -> None:
        self._password = secrets.token_hex(16)
        self._container = f"saga-postgres-{secrets.token_hex(4)}"
        self._port = 0
        settings = {
            "SETTINGS": postgres.SETTINGS.read_text(encoding="utf-8"),
            "POSTGRES_PASSWORD": self._password,
            "POSTGRES_INITDB_ARGS": f"--no-sync --encoding=UTF8 --locale={postgres.LOCALE}",
        }
        self._child = _run(
            children, run, self._container, POSTGRES_IMAGE, settings, [5432], POSTGRES_SCRIPT, stop=signal.SIGINT
        )

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{self._password}@{LOOPBACK}:{self._port}/postgres"

    def wait(self) -> None:
        wait_until(self._ready, [self._child], self.name, SECONDS)

    def _ready(self) -> bool:
        self._port = self._port or _published(self._container, 5432)
        return bool(self._port) and postgres_answers(self._port)


class ContainerRabbitMQ:
    name = f"The container {RABBITMQ_IMAGE}"

    def __init__(self, run: Path, children: Children) -> None:
        self._password = secrets.token_hex(16)
        self._container = f"saga-rabbitmq-{secrets.token_hex(4)}"
        self._ports = {5672: 0, 15672: 0}
        settings = {
            "SETTINGS": f"{rabbitmq.SETTINGS.read_text(encoding='utf-8')}\n"
            f"default_user = {rabbitmq.USER}\ndefault_pass = {self._password}\n{rabbitmq.SMALL_DISK}",
        }
        self._child = _run(children, run, self._container, RABBITMQ_IMAGE, settings, [*self._ports], RABBITMQ_SCRIPT)

    @property
    def amqp(self) -> str:
        return f"amqp://{rabbitmq.USER}:{self._password}@{LOOPBACK}:{self._ports[5672]}/"

    @property
    def management(self) -> str:
        return f"http://{rabbitmq.USER}:{self._password}@{LOOPBACK}:{self._ports[15672]}"

    def wait(self) -> None:
        wait_until(self._ready, [self._child], self.name, SECONDS)

    def _ready(self) -> bool:
        for inside, outside in self._ports.items():
            self._ports[inside] = outside or _published(self._container, inside)
        return all(self._ports.values()) and rabbitmq_answers(
            self._ports[15672], rabbitmq.USER, self._password, amqp_port=5672
        )


def _run(
    children: Children,
    run: Path,
    container: str,
    image: str,
    settings: Mapping[str, str],
    ports: list[int],
    script: str,
    stop: signal.Signals = signal.SIGTERM,
) -> Child:
    """`docker run` in the foreground: it passes our signal on and ends with the container."""
    command = ["docker", "run", "--rm", "--name", container]
    for port in ports:
        command += ["--publish", f"{LOOPBACK}::{port}"]
    for name in settings:
        command += ["--env", name]  # without the value, which others could read in the list of processes
    command += ["--entrypoint", "sh", image, "-c", script]
    home = children.home(run, container.split("-")[1])
    farewell = ["docker", "rm", "--force", "--volumes", container]
    return children.start(home, command, env={**os.environ, **settings}, stop=stop, farewell=farewell)


def _published(container: str, port: int) -> int:
    """The port on the loopback interface that the engine has chosen; 0 while there is none."""
    told = _docker("port", container, f"{port}/tcp", seconds=15)
    address, _, number = told.stdout.strip().partition(":")
    return int(number) if address == LOOPBACK else 0


def _docker(*arguments: str, seconds: float) -> subprocess.CompletedProcess[str]:
    command = ["docker", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {seconds:.0f} s")


def _last_line(told: subprocess.CompletedProcess[str]) -> str:
    return (told.stderr.strip() or told.stdout.strip() or "no word").splitlines()[-1]
