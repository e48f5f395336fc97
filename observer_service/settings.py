"""What the observer is told from outside."""

from datetime import timedelta
from typing import Annotated

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
