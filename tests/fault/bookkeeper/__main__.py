"""Run the bookkeeper: python -m tests.fault.bookkeeper."""

from fastapi import APIRouter
from pydantic_settings import SettingsConfigDict

from saga import Settings, run
from tests.fault.bookkeeper.handlers import bookkeeper


class BookkeeperSettings(Settings):
    model_config = SettingsConfigDict(env_prefix="BOOKKEEPER_")


if __name__ == "__main__":
    run(bookkeeper, BookkeeperSettings, APIRouter())
