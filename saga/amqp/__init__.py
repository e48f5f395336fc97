"""AMQP 0-9-1 where every message passes: deliveries, acknowledgements, and windows of confirmed publishes.

A connection has one channel. Declaring, binding, browsing and all else that is done now and then is aio-pika's.
https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf
"""

from saga.amqp.connection import HEARTBEAT, Connection, Refused, connect
from saga.amqp.content import Content, Received
from saga.amqp.window import Window

__all__ = ["HEARTBEAT", "Connection", "Content", "Received", "Refused", "Window", "connect"]
