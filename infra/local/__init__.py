"""Private PostgreSQL and RabbitMQ servers for the demo, the tests and `make up`."""

from infra.local.errors import ServersUnavailable
from infra.local.servers import Servers, local_servers

__all__ = ["Servers", "ServersUnavailable", "local_servers"]
