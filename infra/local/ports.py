"""Free ports on the loopback interface."""

import random
import socket

LOOPBACK = "127.0.0.1"
RANGE = range(10_240, 30_000)  # below the ports that outgoing connections take, on Linux and elsewhere


def free_ports(count: int) -> list[int]:
    """
    Different ports that nobody listens on now. Drawn at random, so that two who draw at the same time seldom draw the
    same; who loses the race all the same tries again.
    """
    drawn = iter(random.sample(RANGE, len(RANGE)))
    return [next(port for port in drawn if _free(port)) for _ in range(count)]


def _free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
