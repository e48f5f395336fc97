"""What the front door is told from outside."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from saga import Duration, Settings


class OrderSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="ORDER_")

    fulfil_within: Annotated[
        Duration,
        Field(description="how long an order may take to be fulfilled, unless it says so itself", gt=timedelta(0)),
    ] = timedelta(days=1)
