"""What the observer is told from outside."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from saga import Duration, Settings


class ObserverSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="OBSERVER_")

    deadline: Annotated[
        Duration, Field(description="a saga that waits for one step for so long is stuck", gt=timedelta(0))
    ] = timedelta(minutes=5)
    patience: Annotated[
        Duration,
        Field(
            description="a saga that waits for less is never late, however fast its step usually is", ge=timedelta(0)
        ),
    ] = timedelta(seconds=5)
    services: Annotated[
        dict[str, str],
        Field(
            description='where the services are, whose dead letters its pages settle: `{"payment": "http://…"}`',
            default_factory=dict,
        ),
    ]
    jaeger_url: Annotated[str | None, Field(description="where its pages find a trace: http://host:16686")] = None
    management_url: Annotated[
        str | None, Field(description="where its pages find a queue: http://host:15672, without a password")
    ] = None

    @property
    def queues_url(self) -> str | None:
        """Where the management UI shows the queues of our virtual host."""
        vhost = quote(unquote(urlsplit(self.amqp_url.get_secret_value()).path[1:]) or "/", safe="")
        return f"{self.management_url.rstrip('/')}/#/queues/{vhost}" if self.management_url else None
