"""The local stack: private servers that answer, and of which nothing is left."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import asyncpg
import httpx
import pytest

from infra.local import Servers, ServersUnavailable, local_servers, postgres
from infra.local import servers as door
from infra.local.binaries import PostgresBinaries, find_postgres, find_rabbitmq
from infra.local.home import User, make_home, server_user
from infra.local.ports import LOOPBACK, free_ports
from infra.local.process import Children
from infra.local.servers import Pair
from infra.local.ways import choose
from tests.infra.processes import alive, descendants, eventually, ours, parents

pytestmark = pytest.mark.skipif(
    not (sys.platform == "linux" and find_postgres() and find_rabbitmq()),
    reason="asks Linux about processes, and needs PostgreSQL and RabbitMQ on this machine",
)
OWNER = """
import sys, time
from pathlib import Path
from infra.local import local_servers
with local_servers(Path(sys.argv[1]), say=lambda _: None) as servers:
    print(servers.postgres, flush=True)
    time.sleep(100)
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _binaries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGA_LOCAL", "binaries")


@pytest.fixture(scope="module")
def run() -> Iterator[Path]:
    """A run folder that every user may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def pair(run: Path) -> Iterator[Pair]:
    with door.running(run / "first", choose(print, "binaries")) as pair:
        yield pair


@pytest.fixture(scope="module")
def servers(pair: Pair) -> Servers:
    return pair.servers


async def nodes(servers: Servers) -> list[str]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{servers.management}/api/nodes")
    return [node["name"] for node in answer.raise_for_status().json()]


async def test_postgres_takes_the_superuser_and_our_settings(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.postgres)
    try:
        assert await connection.fetchval("SELECT usesuper FROM pg_user WHERE usename = current_user")
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "1min"
        assert await connection.fetchval("SHOW listen_addresses") == "127.0.0.1"
        assert await connection.fetchval("SHOW server_encoding") == "UTF8"
    finally:
        await connection.close()


async def test_postgres_refuses_whoever_lacks_the_password(servers: Servers) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(servers.postgres, password="guess")


async def test_the_broker_takes_a_message_and_hands_it_out(servers: Servers) -> None:
    async with await aio_pika.connect(servers.amqp) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue("letters", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"hello"), "letters")
        letter = await queue.get(timeout=5)
        await letter.ack()
    assert letter.body == b"hello"


async def test_the_management_api_knows_an_administrator_and_no_guest(servers: Servers) -> None:
    guest = f"http://guest:guest@{LOOPBACK}:{urlsplit(servers.management).port}"
    async with httpx.AsyncClient() as client:
        overview = await client.get(f"{servers.management}/api/overview")
        who = await client.get(f"{servers.management}/api/whoami")
        refused = await client.get(f"{guest}/api/whoami")
    assert overview.status_code == 200
    assert "administrator" in who.json()["tags"]
    assert refused.status_code == 401


def test_servers_listen_on_the_loopback_interface_only(servers: Servers) -> None:
    ours = descendants(os.getpid())
    sockets = {link.readlink().name for pid in ours for link in Path(f"/proc/{pid}/fd").glob("*") if link.is_symlink()}
    listening = [
        fields[1]
        for table in ("tcp", "tcp6")
        for fields in map(str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:])
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets
    ]
    loopback = ("0100007F:", "00000000000000000000000001000000:", "0000000000000000FFFF00000100007F:")
    assert len(listening) >= 5
    assert not [address for address in listening if not address.startswith(loopback)]


def test_no_server_runs_as_root(servers: Servers) -> None:
    owners = {
        Path(f"/proc/{pid}/comm").read_text().strip(): Path(f"/proc/{pid}").stat().st_uid
        for pid in descendants(os.getpid())
    }
    assert {"postgres", "beam.smp", "epmd"} <= owners.keys()
    assert 0 not in {owners["postgres"], owners["beam.smp"], owners["epmd"]}


async def test_two_pairs_live_side_by_side_and_the_second_leaves_nothing(servers: Servers, run: Path) -> None:
    before = descendants(os.getpid())
    with local_servers(run / "second") as second:
        started = descendants(os.getpid()) - before
        assert await nodes(second) != await nodes(servers)
        assert len(await nodes(servers)) == 1
    assert started
    assert not alive(started)
    assert {file.name for file in (run / "second").iterdir()} == {"postgres.log", "rabbitmq.log", "epmd.log"}
    assert len(await nodes(servers)) == 1


async def test_servers_that_crash_come_back_with_their_data_at_the_same_ports(pair: Pair, run: Path) -> None:
    async with await aio_pika.connect(pair.servers.amqp) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True, arguments={"x-queue-type": "quorum"})
        await channel.default_exchange.publish(aio_pika.Message(b"still here", delivery_mode=2), "kept")
    (names,) = (run / "first").glob("saga-rabbitmq-*/data/*/quorum/*/names.dets")
    eventually(lambda: b"kept" in names.read_bytes())  # a second after it was declared, and not before
    client = await asyncpg.connect(pair.servers.postgres)
    await client.execute("CREATE TABLE kept AS SELECT 'still here' AS word")
    crashed = {program: ours(program) for program in ("beam.smp", "postgres")}
    known = parents()
    for first in [pid for pids in crashed.values() for pid in pids if known[pid] not in pids]:
        os.kill(first, signal.SIGKILL)
    for program, pids in crashed.items():
        eventually(partial(_is_another, program, pids))
    pair.postgres.wait()
    pair.rabbitmq.wait()
    assert not alive(crashed["beam.smp"] | crashed["postgres"])
    client.terminate()
    client = await asyncpg.connect(pair.servers.postgres)
    assert await client.fetchval("SELECT word FROM kept") == "still here"
    await client.close()
    async with await aio_pika.connect(pair.servers.amqp) as connection:
        queue = await (await connection.channel()).get_queue("kept")
        assert (await queue.get(timeout=5)).body == b"still here"


def _is_another(program: str, than: set[int]) -> bool:
    return bool(ours(program) - than)


def test_a_restarted_postgres_stops_cleanly_and_comes_back(pair: Pair, run: Path) -> None:
    pair.postgres.restart(0.2)
    pair.postgres.wait()
    (log,) = (run / "first").glob("saga-postgres-*.log")
    assert "received fast shutdown request" in log.read_text()


async def test_rabbitmqctl_speaks_to_our_broker(pair: Pair) -> None:
    assert await nodes(pair.servers) == [pair.rabbitmq.rabbitmqctl("eval", "node().").strip().strip("'")]
    with pytest.raises(ServersUnavailable, match="no_such_queue"):
        pair.rabbitmq.rabbitmqctl("delete_queue", "no_such_queue")


def test_nothing_is_left_of_an_owner_that_was_killed(tmp_path: Path) -> None:
    """In pytest's folder, which is closed to others: as root, the data is in a scratch folder."""
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    scratch = set(Path(tempfile.gettempdir()).glob("saga-*"))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as owner:  # noqa: S603 - ours
        assert owner.stdout is not None
        assert b"postgresql://" in owner.stdout.readline()
        family = descendants(owner.pid)
        assert len(family) > 10
        owner.kill()
    eventually(lambda: not alive(family))
    assert not [file for file in tmp_path.iterdir() if file.is_dir()]
    assert set(Path(tempfile.gettempdir()).glob("saga-*")) <= scratch


def test_ctrl_c_and_the_exit_code_of_a_command(tmp_path: Path) -> None:
    """Ctrl-C goes to the whole foreground group: the command decides what it means, the servers never see it."""
    script = "trap 'exit 7' INT; echo $SAGA_ADMIN_POSTGRES_URL; while :; do sleep 0.1; done"
    command = [sys.executable, "-m", "infra.local", "--run", str(tmp_path), "run", "--", "sh", "-c", script]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True) as owner:  # noqa: S603 - ours
        assert owner.stdout is not None
        assert owner.stdout.readline().startswith(b"postgresql://postgres:")
        family = descendants(owner.pid)
        os.killpg(owner.pid, signal.SIGINT)
        assert owner.wait(15) == 7
    assert not alive(family)
    assert "received fast shutdown request" in (tmp_path / "postgres.log").read_text()


def test_whoever_ignores_the_signal_or_hides_in_another_session_is_stopped_too(run: Path) -> None:
    home = make_home(run, "stubborn", None)
    script = f"trap '' TERM; setsid sh -c 'sleep 61 & sleep 62' & touch {run}/begun; while :; do sleep 0.1; done"
    before = descendants(os.getpid())
    with Children() as children:
        children.start(home, ["sh", "-c", script], env=dict(os.environ), grace=0.3)
        eventually(lambda: (run / "begun").exists() and len(descendants(os.getpid()) - before) >= 5)
        started = descendants(os.getpid()) - before
    assert not alive(started)
    assert not home.folder.exists()


def test_a_run_folder_that_the_server_cannot_enter_is_passed_over(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700 if os.geteuid() == 0 else 0o500)
    user = server_user("postgres")
    assert user is None or user != User(0, 0)
    home = make_home(closed, "postgres", user)
    try:
        assert home.folder.parent != closed
        assert not list(closed.iterdir())
    finally:
        home.folder.rmdir()


def test_a_server_that_dies_is_reported_with_its_last_words(run: Path) -> None:
    broken = run / "broken"
    broken.mkdir()
    initdb = broken / "initdb"
    initdb.write_text("#!/bin/sh\necho out of cheese\nexit 1\n")
    initdb.chmod(0o755)
    with Children() as children, pytest.raises(ServersUnavailable, match="out of cheese"):
        postgres.Postgres(PostgresBinaries("15.0", broken), run, children).wait()


def test_a_port_that_somebody_else_took_first_is_drawn_again(
    run: Path, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries, taken = find_postgres(), urlsplit(servers.postgres).port
    assert binaries is not None
    assert taken is not None
    draws = iter([[taken], free_ports(1)])
    monkeypatch.setattr(postgres, "free_ports", lambda _: next(draws))
    with Children() as children:
        start = partial(postgres.Postgres, binaries, run, children)
        again = door._ready(start(), start)
        assert urlsplit(again.url).port != taken


def test_a_python_without_any_package_can_use_it() -> None:
    """Whoever has nothing yet installs servers with it."""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-S", "-c", "import infra.local"], cwd=root, check=True)


def test_an_unknown_way_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGA_LOCAL", "magic")
    with pytest.raises(ServersUnavailable, match="SAGA_LOCAL is 'magic'"), local_servers(run):
        pass


def test_a_machine_without_servers_is_told_what_to_do(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.ways.find_postgres", lambda: None)
    monkeypatch.setattr("infra.local.packages.why_not", lambda: "only root can install packages")
    with pytest.raises(ServersUnavailable, match=r"lacks PostgreSQL.*only root.*apt-get install"), local_servers(run):
        pass
