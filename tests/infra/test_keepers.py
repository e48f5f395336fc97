"""Keepers, shown with servers that are a line of shell."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.home import Home
from infra.local.process import Child, Children
from infra.local.system import Services
from inventory_service.handlers import inventory
from order_service.handlers import order
from saga import Service
from saga.provisioning import Administrator, Deployment
from tests.infra.processes import alive, descendants, eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux about processes")

SERVER = "setsid sleep 61 & echo $! > left; trap 'echo clean >> starts; exit' TERM; echo start >> starts; wait"
"""Remembers its starts and its clean ends in its home, and leaves somebody in another session."""
OWNER = f"""
import os, sys, time
from pathlib import Path
from infra.local.process import Children
with Children() as children:
    child = children.start(children.home(Path(sys.argv[1]), "server"), ["sh", "-c", {SERVER!r}], env=dict(os.environ))
    child.endure()
    while not child.pid():
        time.sleep(0.01)
    child.kill(1)
    while child.pid():
        time.sleep(0.01)
    print("between two starts", flush=True)
    time.sleep(100)
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def children() -> Iterator[Children]:
    with Children() as children:
        yield children


@pytest.fixture
def home(children: Children, tmp_path: Path) -> Home:
    return children.home(tmp_path, "server")


def start(children: Children, home: Home, script: str = SERVER, *, endures: bool = True) -> Child:
    """The server, when it runs and we know its process: which may be told after it has begun to run."""
    child = children.start(home, ["sh", "-c", script], env=dict(os.environ), pauses=[0.05, 0.05])
    eventually((home.folder / "starts").exists)
    eventually(child.pid)
    if endures:
        child.endure()
    return child


def starts(home: Home) -> list[str]:
    return (home.folder / "starts").read_text().split()


def test_a_server_that_ended_by_itself_is_started_again_where_it_was(children: Children, home: Home) -> None:
    child = start(children, home)
    first = child.pid()
    os.kill(first, signal.SIGKILL)
    eventually(lambda: child.pid() not in {0, first})
    eventually(lambda: starts(home) == ["start", "start"])


def test_one_that_was_never_ready_is_not_started_again(children: Children, home: Home, tmp_path: Path) -> None:
    eventually(children.start(home, ["sh", "-c", "echo no luck; exit 1"], env=dict(os.environ)).ended)
    assert (tmp_path / "server.log").read_text() == "no luck\n"
    assert not home.folder.exists()


def test_one_that_always_ends_at_once_is_given_up(children: Children, home: Home, tmp_path: Path) -> None:
    script = "echo start >> starts; echo try; while ! [ -e broken ]; do sleep 0.02; done; exit 3"
    child = start(children, home, script)
    (home.folder / "broken").touch()
    eventually(child.ended)
    words = (tmp_path / "server.log").read_text().splitlines()
    assert words.count("try") == 3  # at first, and after each of the two pauses
    assert words[-1] == "keeper: it has ended with 3 again, and is given up"
    assert not home.folder.exists()


def test_a_killed_server_has_no_time_to_stop_and_comes_back_after_its_pause(children: Children, home: Home) -> None:
    child = start(children, home)
    began = time.monotonic()
    child.kill(0.3)
    assert not child.runs_again()
    eventually(child.runs_again)
    assert time.monotonic() - began >= 0.3
    eventually(lambda: starts(home) == ["start", "start"])


def test_a_restarted_server_stops_cleanly(children: Children, home: Home) -> None:
    start(children, home).restart()
    eventually(lambda: starts(home) == ["start", "clean", "start"])


def test_one_that_runs_elsewhere_is_sent_signals_there(children: Children, home: Home) -> None:
    """A container goes on when its client ends, and a client may end before it has passed a signal on."""
    hasty = "trap 'echo hasty >> starts; exit' TERM; echo start >> starts"
    patient = "while :; do sleep 0.02; ! grep -qs SIGTERM sent || { rm sent; exit; }; done"
    start_elsewhere(children, home, f"{hasty}; {patient}").restart()
    eventually(lambda: starts(home) == ["start", "start"])


def test_one_that_does_not_stop_elsewhere_is_killed_there(children: Children, home: Home) -> None:
    deaf = "trap '' TERM; echo start >> starts; while :; do sleep 0.02; done"
    start_elsewhere(children, home, deaf).restart()
    eventually(lambda: starts(home) == ["start", "start"])
    assert (home.folder / "sent").read_text().split() == ["SIGTERM", "SIGKILL"]


def start_elsewhere(children: Children, home: Home, client: str) -> Child:
    """The client of a server that is sent its signals by a command."""
    elsewhere = ["sh", "-c", f"echo {{signal}} >> {home.folder}/sent"]
    child = children.start(home, ["sh", "-c", client], env=dict(os.environ), grace=0.2, elsewhere=elsewhere)
    eventually((home.folder / "starts").exists)
    eventually(child.pid)
    child.endure()
    return child


def test_it_is_alone_when_it_comes_back(children: Children, home: Home) -> None:
    """What an earlier start left would still hold its ports and its memory."""
    child = start(children, home)
    first = {child.pid(), int((home.folder / "left").read_text())}
    assert alive(first) == first
    child.kill()
    eventually(lambda: starts(home) == ["start", "start"])
    assert not alive(first)


def test_wishes_without_end_are_no_quick_ends(children: Children, home: Home) -> None:
    child = start(children, home)
    for _ in range(4):
        child.kill()
        eventually(child.runs_again)
    assert not child.ended()


def test_one_that_shall_not_endure_ends_when_it_is_killed(children: Children, home: Home) -> None:
    child = start(children, home, endures=False)
    child.kill()
    eventually(child.ended)
    assert child.pid() == 0
    child.kill()  # nobody is there, and that is no error


def test_nothing_is_left_of_an_owner_that_was_killed_between_two_starts(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as owner:  # noqa: S603 - ours
        assert owner.stdout is not None
        assert owner.stdout.readline()
        eventually(lambda: len(descendants(owner.pid)) == 1)  # the keeper, waiting
        family = descendants(owner.pid)
        owner.kill()
    eventually(lambda: not alive(family))
    assert [file.name for file in tmp_path.iterdir()] == ["server.log"]


def test_a_kept_log_has_the_words_of_all_starts_of_this_run_and_no_other(tmp_path: Path) -> None:
    for words in (["of", "old"], ["first", "second"]):
        with Children() as children:
            for word in words:
                child = children.start(children.home(tmp_path, "server"), ["echo", word], env=dict(os.environ))
                eventually(child.ended)
    assert (tmp_path / "server.log").read_text() == "first\nsecond\n"
    assert [file.name for file in tmp_path.iterdir()] == ["server.log"]


def test_a_killed_service_is_started_again_through_the_same_command_and_no_other_is_touched(tmp_path: Path) -> None:
    nobody = Administrator("http://nobody", "postgresql://nobody")
    deployment = Deployment.new([inventory, order], nobody, "amqp://nobody")
    with Children() as children:
        services = Services(deployment, children, tmp_path, {"MOOD": "calm"}, command=said_and_stayed)
        for name in ("inventory", "order"):
            services.start(name)
            eventually(services.running[name].last_words)
            eventually(services.running[name].pid)
        unharmed, harmed = services.pid("order"), services.pid("inventory")
        services.kill("inventory")
        assert not alive({harmed})
        assert services.pid("inventory") == 0
        assert services.revive() == ["inventory"]
        eventually(services.running["inventory"].last_words)
        assert services.revive() == []
        assert services.pid("order") == unharmed
    assert (tmp_path / "inventory.log").read_text() == "inventory is calm\n" * 2


def said_and_stayed(service: Service) -> list[str]:
    return ["sh", "-c", f"echo {service.name} is $MOOD; exec sleep 61"]
