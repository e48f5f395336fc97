"""Where the command line finds servers and services."""

import json
import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import unquote, urlsplit

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from saga.errors import CannotStart
from saga.provisioning import STATISTICS_INTERVAL, Administrator
from saga.settings import NO_ADDRESS, RETRY_TIERS, SHORTEST_SECRET, Duration, is_address, wrong
from saga.settings import tiers as read_tiers
from saga.tokens import mint_token

RUN_FILE = Path(".run/endpoints.json")


class Endpoints(BaseSettings):
    """From SAGA_… variables; what these don't say, from the endpoints of a system that `make up` left running."""

    model_config = SettingsConfigDict(env_prefix="SAGA_", extra="ignore")

    admin_amqp_url: Annotated[str | None, Field(description="the broker, as an administrator, with its vhost")] = None
    admin_management_url: Annotated[str | None, Field(description="its management API, as an administrator")] = None
    admin_statistics_interval: Annotated[
        Duration, Field(description="how often the broker counts its messages: its collect_statistics_interval")
    ] = STATISTICS_INTERVAL
    admin_postgres_url: Annotated[str | None, Field(description="the database server, as an administrator")] = None
    publisher_amqp_url: Annotated[str | None, Field(description="the broker, as who may say what anybody may")] = None
    observer_url: Annotated[str | None, Field(description="the observer's API")] = None
    api_secret: Annotated[
        str | None, Field(description="HS256 key of the APIs' bearer tokens", min_length=SHORTEST_SECRET)
    ] = None
    token: Annotated[str | None, Field(description="a bearer token, instead of one made with the key")] = None
    database_prefix: Annotated[
        str, Field(description="what the names of databases and roles begin with, where systems share a server")
    ] = ""

    @classmethod
    def load(cls) -> Self:
        """Raises CannotStart that names what is wrong."""
        running = _running()
        local = {
            "admin_amqp_url": running.get("amqp"),
            "admin_management_url": running.get("management"),
            "admin_postgres_url": running.get("postgres"),
            "publisher_amqp_url": running.get("amqp_publisher"),
            "observer_url": running.get("observer"),
            "token": running.get("token"),
        }
        try:
            return cls(**(local | cls().model_dump(exclude_none=True)))
        except ValidationError as error:
            raise wrong(error, "SAGA_") from None

    def require(self, name: str) -> str:
        value: str | None = getattr(self, name)
        if value is None:
            remedy = "set it, or start a local system with 'make up' and stand in its folder"
            raise CannotStart(f"SAGA_{name.upper()} is not set", remedy)
        if name.endswith("_url") and not is_address(value):
            raise CannotStart(f"SAGA_{name.upper()}", NO_ADDRESS)
        return value

    def bearer_token(self) -> str:
        """For the services' APIs: the one that we were given, or one of our own for a moment."""
        return self.token or mint_token(self.require("api_secret"), "saga", timedelta(minutes=5))

    def signing_key(self, file: Path | None) -> str:
        """What stands in the file, if there is one. Raises CannotStart, if that is no key."""
        if file is None:
            return self.require("api_secret")
        try:
            key = file.read_text().strip()
        except (OSError, ValueError) as error:
            raise CannotStart(f"{file} can't be read ({error})", "name a file that holds the secret") from None
        if len(key) < SHORTEST_SECRET:
            raise CannotStart(f"{file} holds {len(key)} characters", f"a secret has at least {SHORTEST_SECRET}")
        return key

    @property
    def administrator(self) -> Administrator:
        vhost = urlsplit(self.admin_amqp_url or "").path.removeprefix("/")
        return Administrator(
            self.require("admin_management_url"),
            self.require("admin_postgres_url"),
            unquote(vhost) or "/",
            self.admin_statistics_interval,
        )


def _running() -> Mapping[str, str]:
    try:
        running: dict[str, str] = json.loads(RUN_FILE.read_text()) if RUN_FILE.is_file() else {}
    except (OSError, ValueError) as error:
        raise CannotStart(f"{RUN_FILE} can't be read ({error})", "run 'make down', and 'make up' again") from None
    return running


def tiers() -> tuple[timedelta, ...]:
    """SAGA_RETRY_TIERS, as the services have it."""
    told = os.environ.get("SAGA_RETRY_TIERS")
    pauses = read_tiers(told) if told else RETRY_TIERS
    if not isinstance(pauses, tuple) or not all(isinstance(pause, timedelta) for pause in pauses):
        raise CannotStart(f"SAGA_RETRY_TIERS={told!r} is no list of durations", "say for instance 5s,30s,5m")
    return pauses


def passwords(users: list[str]) -> dict[str, str]:
    """One SAGA_PASSWORD_<USER> each. Raises CannotStart that names all that are missing."""
    names = {user: f"SAGA_PASSWORD_{user.upper()}" for user in users}
    if missing := [name for name in names.values() if not os.environ.get(name)]:
        raise CannotStart(f"not set: {', '.join(missing)}", "set a password for each, as the services' URLs have it")
    return {user: os.environ[name] for user, name in names.items()}
