"""Run the observer: python -m observer_service."""

from observer_service.api import router
from observer_service.handlers import observer
from observer_service.settings import ObserverSettings
from saga import run

if __name__ == "__main__":
    run(observer, ObserverSettings, router)
