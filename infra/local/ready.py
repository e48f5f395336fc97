"""Does a server answer? Asked without a client library, since whoever waits may be inside an event loop already."""

import base64
import http.client
import socket
import struct

from infra.local.ports import LOOPBACK

PROTOCOL_3 = 196_608  # PostgreSQL's start-up message, protocol 3.0
PATIENCE = 5.0


def postgres_answers(port: int) -> bool:
    """PostgreSQL asks for a password; while it starts, recovers or stops it answers with an error instead."""
    body = struct.pack("!I", PROTOCOL_3) + b"user\0postgres\0database\0postgres\0\0"
    try:
        with socket.create_connection((LOOPBACK, port), timeout=PATIENCE) as connection:
            connection.sendall(struct.pack("!I", len(body) + 4) + body)
            return connection.recv(1_024).startswith(b"R")
    except OSError:
        return False


def rabbitmq_answers(management_port: int, user: str, password: str, amqp_port: int) -> bool:
    """
    The broker with this password serves its management API and says that it listens for AMQP at this port.
    Asking the broker tells it from another one that was quicker to take our port.
    """
    connection = http.client.HTTPConnection(LOOPBACK, management_port, timeout=PATIENCE)
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {login}"}
    try:
        for path in (f"/api/health/checks/port-listener/{amqp_port}", "/api/overview"):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                return False
    except (OSError, http.client.HTTPException):
        return False
    else:
        return True
    finally:
        connection.close()
