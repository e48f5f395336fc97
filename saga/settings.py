"""What a service is told from outside: environment variables, or files named like them in /run/secrets."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from saga.errors import CannotStart

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = timedelta(days=36_525)
"""A hundred years. So long before now, and after, every clock and every database has a time."""
SHORTEST_SECRET = 32
"""Characters. HS256 wants a key of at least 256 bits (RFC 7518, 3.2)."""


def seconds(text: object) -> object:
    """Read `5s`, `250ms`, `5m`, `12h` or `30d`; leave anything else to the validator."""
    if isinstance(text, str):
        for unit in ("ms", "s", "m", "h", "d"):
            number = text.strip().removesuffix(unit)
            if text.strip().endswith(unit) and number.replace(".", "", 1).isdecimal():
                return _duration(float(number) * _UNITS[unit], text)
    return text


def _duration(number: float, text: str) -> object:
    try:
        return timedelta(seconds=number)
    except OverflowError:
        return text  # the validator will say that it is no duration


def tiers(text: object) -> object:
    return tuple(seconds(part) for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def is_address(url: str) -> bool:
    """Whether it names a server. A password with a slash in it makes another URL of it, whose port is a word."""
    try:
        parts = urlsplit(url)
        return bool(parts.scheme and parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _address(url: SecretStr) -> SecretStr:
    """Checked at the start, and without repeating it: later, an error would show the pieces of its password."""
    if not is_address(url.get_secret_value()):
        raise ValueError(NO_ADDRESS)
    return url


NO_ADDRESS = "no URL: special characters of a password stand in it as %2F, %40, …"
Address = Annotated[SecretStr, AfterValidator(_address)]
Duration = Annotated[timedelta, BeforeValidator(seconds), Field(le=LONGEST)]
Tiers = Annotated[tuple[Duration, ...], NoDecode, BeforeValidator(tiers)]

_A_DAY = timedelta(days=1)
"""What was said is dropped by whole days."""

RETRY_TIERS = (timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5))


class Settings(BaseSettings):
    """Subclass it per program and give it an `env_prefix`: `INVENTORY_` makes it read `INVENTORY_AMQP_URL`, …"""

    model_config = SettingsConfigDict(
        secrets_dir="/run/secrets" if Path("/run/secrets").is_dir() else None, extra="ignore"
    )

    amqp_url: Annotated[Address, Field(description="amqp://user:password@host:5672/")]
    database_url: Annotated[Address, Field(description="postgresql://user:password@host:5432/database")]
    api_secret: Annotated[
        SecretStr, Field(description="HS256 key of the APIs' bearer tokens", min_length=SHORTEST_SECRET)
    ]
    http_host: Annotated[str, Field(description="address of the API")] = "127.0.0.1"
    http_port: Annotated[int, Field(description="port of the API", ge=0, lt=65536)] = 8000
    batch: Annotated[int, Field(description="messages handled in one transaction, at most", ge=1)] = 500
    prefetch: Annotated[int, Field(description="messages held in memory, at most", ge=1)] = 1_000
    pool_size: Annotated[int, Field(description="database connections, at most", ge=3)] = 10
    retry_tiers: Annotated[
        Tiers, Field(description="pauses before each new attempt, as provisioned; then the message parks")
    ] = RETRY_TIERS
    call_timeout: Annotated[
        Duration, Field(description="how long one call to the outside may take", gt=timedelta(0))
    ] = timedelta(seconds=10)
    calls_at_once: Annotated[int, Field(description="calls to the outside in flight, at most", ge=1)] = 256
    inbox_retention: Annotated[Duration, Field(description="how long a message is remembered")] = timedelta(days=30)
    replay_horizon: Annotated[Duration, Field(description="how long after it parked a dead letter may be replayed")] = (
        timedelta(days=14)
    )
    retell_horizon: Annotated[
        Duration, Field(description="how long what was said can be said again; 0s: not at all", ge=timedelta(0))
    ] = timedelta(days=2)
    restored: Annotated[
        bool,
        Field(
            description="its database is from a backup: what follows or undoes steps is held back, and no alarm rings"
        ),
    ] = False
    retention: Annotated[
        Duration, Field(description="how long a step that was done, and a saga that is finished, is remembered")
    ] = timedelta(days=90)
    housekeeping: Annotated[
        Duration,
        Field(description="how often what is past retention is forgotten, at least daily", gt=timedelta(0), le=_A_DAY),
    ] = timedelta(hours=1)
    stop_deadline: Annotated[Duration, Field(description="how long a clean stop may take")] = timedelta(seconds=25)
    otlp_endpoint: Annotated[
        Address | None,
        BeforeValidator(lambda told: told or None),  # Compose can set a variable to nothing, and not leave it out
        Field(description="where traces go: an OTLP/HTTP collector, http://host:4318; none are made else"),
    ] = None
    trace_ratio: Annotated[float, Field(description="share of all sagas that are traced", ge=0, le=1)] = 1.0
    log_format: Annotated[Literal["json", "console"], Field(description="how log lines look")] = "json"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Field(description="the least that is logged")
    ] = "info"

    @model_validator(mode="after")
    def _remembers_long_enough(self) -> Self:
        needed = sum(self.retry_tiers, self.replay_horizon + self.retell_horizon + _A_DAY)
        if self.inbox_retention <= needed:
            parts = "retry_tiers, replay_horizon, retell_horizon and a day"
            raise ValueError(f"inbox_retention must be longer than {parts} together ({needed})")
        if self.retention <= self.inbox_retention:
            raise ValueError(f"retention must be longer than inbox_retention ({self.inbox_retention})")
        return self

    @model_validator(mode="after")
    def _can_hold_back(self) -> Self:
        if self.restored and not self.retry_tiers:
            raise ValueError("restored needs retry_tiers: what is held back waits in the last of them")
        return self

    @classmethod
    def of(cls, service: str) -> type[Self]:
        """Those of a service that needs no others: they are read from variables that begin with its name."""
        prefix = SettingsConfigDict(env_prefix=f"{service.upper()}_")
        return type(f"{service.capitalize()}Settings", (cls,), {"model_config": prefix, "__module__": cls.__module__})

    @classmethod
    def load(cls) -> Self:
        """Read them, or raise CannotStart that names each variable that is missing or wrong."""
        try:
            return cls()
        except ValidationError as error:
            raise wrong(error, str(cls.model_config.get("env_prefix", ""))) from None


def wrong(error: ValidationError, prefix: str) -> CannotStart:
    """Names each variable that is missing or wrong."""
    problems = [
        f"{prefix}{e['loc'][0]}".upper() + f" ({e['msg']})" if e["loc"] else e["msg"]
        for e in error.errors(include_input=False)
    ]
    return CannotStart("settings are missing or wrong", "; ".join(problems))
