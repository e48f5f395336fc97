"""What the front door is told from outside."""

from pydantic_settings import SettingsConfigDict

from saga import Settings


class OrderSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="ORDER_")
