"""The services that are installed here, or that SAGA_SERVICES names."""

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from saga.errors import CannotStart
from saga.service import Service


def installed(*, besides: str = "") -> list[Service]:
    """Those of the entry points `saga.services`, but for the one of this name.

    Where SAGA_SERVICES is set, `MODULE:NAME` of a sequence of services, those instead. Raises CannotStart if there are
    none, or if one's code is gone since it was installed.
    """
    if told := os.environ.get("SAGA_SERVICES"):
        return [service for service in services_at(told) if service.name != besides]
    found = [_loaded(entry) for entry in entry_points(group="saga.services") if entry.name != besides]
    if not found:
        raise CannotStart("no service is installed here", "run 'make install'")
    return found


def named(where: str) -> object:
    """What `MODULE:NAME` names. Raises CannotStart."""
    module, _, name = where.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise CannotStart(f"{where!r} names nothing: {error}", "say MODULE:NAME") from error


def _loaded(entry: EntryPoint) -> Service:
    try:
        service: Service = entry.load()
    except ModuleNotFoundError as error:
        if error.name is None or not entry.module.startswith(error.name):
            raise
        raise CannotStart(f"{entry.module}, which is installed, is not there", "run 'make install'") from error
    return service


def services_at(where: str) -> Sequence[Service]:
    """The services that `MODULE:NAME` names. Raises CannotStart."""
    found = named(where)
    if not isinstance(found, Sequence) or not all(isinstance(service, Service) for service in found):
        raise CannotStart(f"{where!r} names no services", "name a sequence of them, MODULE:NAME")
    return found
