"""The services that are installed here."""

from importlib.metadata import entry_points

from saga.errors import CannotStart
from saga.service import Service


def installed(*, besides: str = "") -> list[Service]:
    """Those of the entry points `saga.services`, but for the one of this name. Raises CannotStart if there are none."""
    found = [entry.load() for entry in entry_points(group="saga.services") if entry.name != besides]
    if not found:
        raise CannotStart("no service is installed here", "run 'make install'")
    return found
