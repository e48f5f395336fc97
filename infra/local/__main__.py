"""`python -m infra.local`: the whole system in the background, or private servers around a command."""

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from infra.local import ServersUnavailable, local_servers
from infra.local.background import down, up
from infra.local.system import system
from saga import SagaError

RUN = Path(".run")


def terminated(number: int, _: FrameType | None) -> None:
    """SIGTERM leaves through the front door: blocks end, servers stop."""
    raise SystemExit(128 + number)


def run(command: list[str], folder: Path) -> int:
    """The command's exit code, the shell's way: 128 and the signal where one ended it."""
    with local_servers(folder, say=lambda line: print(line, file=sys.stderr)) as servers:
        print(f"With {servers.how}.", file=sys.stderr)
        where = {
            "SAGA_ADMIN_AMQP_URL": servers.amqp,
            "SAGA_ADMIN_MANAGEMENT_URL": servers.management,
            "SAGA_ADMIN_POSTGRES_URL": servers.postgres,
        }
        try:
            child = subprocess.Popen(command, env={**os.environ, **where})
        except OSError as error:
            print(f"{command[0]}: {error.strerror}", file=sys.stderr)
            return 127
        code = wait_for(child)
    return 128 - code if code < 0 else code


def wait_for(child: subprocess.Popen[bytes]) -> int:
    """Its end is the command's own decision: Ctrl-C reaches it from the terminal, SIGTERM through us."""
    signal.signal(signal.SIGTERM, lambda number, _: child.send_signal(number))
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue


def serve(folder: Path) -> int:
    """The whole system, until SIGTERM; a service that ends by itself is started again."""
    with system(folder) as running:
        while True:
            time.sleep(1)
            for name in running.services.revive():
                print(f"{name} has ended and was started again; its last words are in {folder / name}.log", flush=True)


def start(folder: Path) -> int:
    endpoints = up(folder)
    for name, url in endpoints.items():
        print(f"  {name:<15} {url}")
    print(f"All of this stands in {folder / 'endpoints.json'}. Stop it with: make down")
    return 0


def stop(folder: Path) -> int:
    print("Stopped." if down(folder) else "Nothing was running.")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("--run", type=Path, default=RUN, help="folder for data and logs (default: %(default)s)")
    commands = parser.add_subparsers(required=True, dest="verb")
    running = commands.add_parser("run", help="start servers, run a command with SAGA_ADMIN_…_URL set, stop them")
    running.add_argument("command", nargs="+", metavar="COMMAND", help="the command, after --")
    commands.add_parser("up", help="start the servers and the services, and leave them running")
    commands.add_parser("down", help="stop what `up` started")
    commands.add_parser("serve", help="start the servers and the services, and stop them at SIGTERM")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, terminated)
    verbs = {"serve": serve, "up": start, "down": stop}
    try:
        return run(given.command, given.run) if given.verb == "run" else verbs[given.verb](given.run)
    except (ServersUnavailable, SagaError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
