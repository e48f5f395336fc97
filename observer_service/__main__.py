"""Run the observer: python -m observer_service."""

from observer_service import api, login, pages
from observer_service.handlers import observer
from observer_service.settings import ObserverSettings
from saga import run
from saga.guard import Pages

if __name__ == "__main__":
    router = Pages(login.ENTRANCE)
    for part in (login.router, pages.router, api.router):
        router.include_router(part)
    run(observer, ObserverSettings, router)
