"""No password, no key and no token is in a log, an error's text or the list of processes, whatever goes wrong."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import pytest

from infra.local.servers import Servers
from inventory_service.handlers import inventory
from saga.provisioning import DatabaseServer, Management
from tests.conftest import deployed
from tests.saga.shop import Shop

SAGA = str(Path(sys.executable).with_name("saga"))
UNREACHABLE = "127.0.0.1:9"


def secrets_of(shop: Shop, servers: Servers) -> dict[str, str]:
    """All that nobody should read, by what it is."""
    deployment = shop.deployment
    administrators = {"broker": servers.amqp, "management": servers.management, "database": servers.postgres}
    return {
        **{f"password of {user}": password for user, password in deployment.passwords.items()},
        **{f"administrator of the {server}": urlsplit(url).password or "" for server, url in administrators.items()},
        "key of the tokens": deployment.api_secret,
        "token": shop.http.headers["Authorization"].removeprefix("Bearer "),
    }


def shown(text: str, secrets: Mapping[str, str]) -> list[str]:
    assert all(len(secret) > 15 for secret in secrets.values())  # too long to be there by chance
    return [what for what, secret in secrets.items() if secret in text]


def said_by(command: list[str], told: Mapping[str, str]) -> str:
    """Everything that a program says which is told something wrong, and therefore fails."""
    ended = subprocess.run(  # noqa: S603 — this module says what to run
        command, env={**os.environ, **told}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1, ended
    assert ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def wrong(url: str) -> list[str]:
    """The same with another password that begins like it, and with one that ends the address too early."""
    password = urlsplit(url).password
    return [url.replace(f":{password}@", f":{password}{more}@") for more in ("x", "/x")]


async def test_a_program_that_fails_shows_no_secret(shop: Shop, servers: Servers, told: dict[str, str]) -> None:
    """A wrong password, no URL at all: services and the command line say what to do, and repeat nothing."""
    secrets = secrets_of(shop, servers)
    attempts = [
        ([sys.executable, "-m", "inventory_service"], shop.deployment.environment("inventory", 0) | {variable: url})
        for variable in ("INVENTORY_DATABASE_URL", "INVENTORY_AMQP_URL")
        for url in wrong(shop.deployment.environment("inventory", 0)[variable])
    ]
    passwords = {f"SAGA_PASSWORD_{user.upper()}": word for user, word in shop.deployment.passwords.items()}
    attempts += [
        ([SAGA, "provision"], told | passwords | {variable: url})
        for variable in ("SAGA_ADMIN_POSTGRES_URL", "SAGA_ADMIN_MANAGEMENT_URL")
        for url in (
            *wrong(told[variable]),
            told[variable].replace(urlsplit(told[variable]).netloc.rpartition("@")[2], UNREACHABLE),
        )
    ]
    for said in await asyncio.gather(*(asyncio.to_thread(said_by, *attempt) for attempt in attempts)):
        assert shown(said, secrets) == [], said
        assert "Traceback" not in said


async def test_no_log_and_no_list_of_processes_shows_a_secret(
    shop: Shop, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of the services and of the servers, after requests and messages that fail in every way."""
    secrets = secrets_of(shop, servers)
    for service in ("order", "inventory", "payment", "shipping"):
        url = shop.services.url(service)
        for path in ("/nowhere", "/openapi.json", "/metrics", "/orders/nonsense"):
            await shop.http.get(url + path)
        token = shop.http.headers["Authorization"]
        assert (await shop.http.get(f"{url}/openapi.json", headers={"Authorization": f"{token}x"})).status_code == 401
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(shop.deployment.database_url("order").replace(":", ":x", 2).replace(":x", ":", 1))

    logs = {path: path.read_text(errors="replace") for path in tmp_path_factory.getbasetemp().rglob("*.log")}
    assert sum("service.started" in log for log in logs.values()) >= 4
    assert {path.name: found for path, log in logs.items() if (found := shown(log, secrets))} == {}

    commands = b"\n".join(_read(path) for path in Path("/proc").glob("[0-9]*/cmdline")).decode(errors="replace")
    assert "inventory_service" in commands
    assert shown(commands, secrets) == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it has ended meanwhile


async def test_the_database_is_told_no_password(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in what it would log of provisioning, were it to log everything; and yet the password opens."""
    logged: list[str] = []
    connect = asyncpg.connect

    async def connect_and_listen(*where: object, **how: object) -> "asyncpg.Connection[asyncpg.Record]":
        settings = {"log_statement": "all", "client_min_messages": "log"}  # what it logs, it tells us, too
        connection: asyncpg.Connection[asyncpg.Record] = await connect(*where, **how, server_settings=settings)  # type: ignore[call-overload] # as it is called
        connection.add_log_listener(lambda _, message: logged.append(f"{message} {message.detail}"))
        return connection

    monkeypatch.setattr(asyncpg, "connect", connect_and_listen)
    async with deployed(servers, [inventory]) as deployment:
        await deployment.provision()
        monkeypatch.undo()
        await (await asyncpg.connect(deployment.database_url("inventory"))).close()
    roles = [line for line in logged if " ROLE " in line and "PASSWORD" in line]
    assert [line.count("PASSWORD 'SCRAM-SHA-256$4096:") for line in roles] == [1, 1]
    assert not any(password in line for line in logged for password in deployment.passwords.values())


async def test_an_administrator_s_password_stands_in_an_address_as_in_any_other(servers: Servers) -> None:
    """Percent-encoded, as we ask for it ourselves."""
    name, password = "boss", "p/w@1:%?#"
    async with httpx.AsyncClient() as http:
        user = {"password": password, "tags": "administrator"}
        (await http.put(f"{servers.management}/api/users/{name}", json=user)).raise_for_status()
        where = urlsplit(servers.management).netloc.rpartition("@")[2]
        try:
            users = await Management(f"http://{name}:{quote(password, safe='')}@{where}")._get("users")
            assert name in {user["name"] for user in users}
        finally:
            (await http.delete(f"{servers.management}/api/users/{name}")).raise_for_status()


@pytest.mark.parametrize(
    "password", ["plain", "é ﬁ\u00a0x", "e\u0301", "\u00adsoft", "\u0627\u0031", "quote ' \\ \"", "😀"]
)
async def test_any_password_opens(servers: Servers, password: str) -> None:
    """As the client libraries prepare it: composed, compatible, or as it is where the standard prohibits it."""
    server = DatabaseServer(servers.postgres)
    where = urlsplit(servers.postgres)
    await server._put_role("any_password", password, exists=False)
    try:
        connection = await asyncpg.connect(
            host=where.hostname, port=where.port, user="any_password", password=password, database="postgres"
        )
        await connection.close()
    finally:
        await server.execute("DROP ROLE any_password")
