"""Run the front door: python -m order_service."""

from order_service.api import router
from order_service.handlers import order
from order_service.settings import OrderSettings
from saga import run

if __name__ == "__main__":
    run(order, OrderSettings, router)
