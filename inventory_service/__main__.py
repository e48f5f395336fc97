"""Run inventory: python -m inventory_service."""

from inventory_service.api import router
from inventory_service.handlers import inventory
from inventory_service.settings import InventorySettings
from saga import run

if __name__ == "__main__":
    run(inventory, InventorySettings, router)
