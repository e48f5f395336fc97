"""Makes a participant, with its place everywhere: `saga new`."""

from infra.new.command import app

__all__ = ["app"]
