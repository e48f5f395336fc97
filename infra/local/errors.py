"""
ServersUnavailable      there is no pair of servers, and the message says what a person can do
└── PortTaken           a server lost the race for a port: another try helps
"""


class ServersUnavailable(Exception):
    """No private PostgreSQL and RabbitMQ could be started here."""


class PortTaken(ServersUnavailable):
    """Somebody else took the port between our choice and the server's start."""
