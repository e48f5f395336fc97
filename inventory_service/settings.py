"""What inventory is told from outside."""

from pydantic_settings import SettingsConfigDict

from saga import Settings


class InventorySettings(Settings):
    model_config = SettingsConfigDict(env_prefix="INVENTORY_")
