"""The command line: `saga --help`."""

from saga.cli.app import main

__all__ = ["main"]
