"""What payment is told from outside."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from saga import Duration, Settings


class PaymentSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="PAYMENT_")

    gateway_latency: Annotated[Duration, Field(description="how long the simulated gateway thinks")] = timedelta(
        milliseconds=2
    )
    gateway_timeout_rate: Annotated[
        float, Field(description="share of its answers that get lost after it has acted", ge=0, le=1)
    ] = 0.0
