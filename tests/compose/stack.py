"""A compose project of its own, with passwords and ports of its own."""

import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.local.ports import LOOPBACK, free_ports
from infra.local.system import EVERYBODY

ROOT = Path(__file__).parents[2]
SERVICES = tuple(service.name for service in EVERYBODY)
PORTS = ("management", "amqp", "postgres", *SERVICES)
PATIENCE = 900.0  # the image may have to be built first


def why_not(*questions: tuple[str, ...]) -> str:
    """Why there is no Compose to run; empty where there is one."""
    for question in questions or (("compose", "version"), ("info",)):
        try:
            answers = docker(*question, patience=30).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            answers = False
        if not answers:
            return f"'docker {' '.join(question)}' does not answer here"
    return ""


@dataclass(frozen=True)
class Stack:
    project: str = field(default_factory=lambda: f"saga-test-{secrets.token_hex(4)}")
    ports: dict[str, int] = field(default_factory=lambda: dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))
    admin_password: str = field(default_factory=lambda: secrets.token_hex(16))
    api_secret: str = field(default_factory=lambda: secrets.token_hex(32))

    def url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self.ports[name]}"

    def up(self) -> None:
        """Return when everything is healthy."""
        self.compose("up", "--detach", "--build", "--wait")

    def remove(self) -> None:
        """Nothing of it is left, volumes included; only the image is kept."""
        self._run("down", "--volumes", "--remove-orphans", "--timeout", "20")

    def compose(self, *arguments: str) -> None:
        """The test fails with what the command said, and with the containers' last lines, if the command does."""
        done = self._run(*arguments)
        if done.returncode:
            pytest.fail(f"docker compose {' '.join(arguments)}:\n{done.stdout}\n{self._run('logs', '-n20').stdout}")

    def exit_codes(self) -> dict[str, int]:
        """Of the services' containers, which have stopped."""
        ids = {service: self._run("ps", "--all", "--quiet", service).stdout.strip() for service in SERVICES}
        return {
            service: int(docker("inspect", "--format={{.State.ExitCode}}", container).stdout)
            for service, container in ids.items()
        }

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        told = {f"SAGA_{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        told |= {"SAGA_ADMIN_PASSWORD": self.admin_password, "SAGA_API_SECRET": self.api_secret}
        where = ("--project-name", self.project, "--env-file", os.devnull, "--progress=plain", "--ansi=never")
        return docker("compose", *where, *arguments, told=told)


def docker(
    *arguments: str, told: dict[str, str] | None = None, patience: float = PATIENCE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 — only this module says what to run
        ["docker", *arguments],  # noqa: S607 — Docker is where PATH says
        cwd=ROOT,
        env={**os.environ, **(told or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience,
        check=False,
    )
