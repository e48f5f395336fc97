"""Saying again what was said: for who has forgotten it, or never got it. Who has handled it, skips it."""

from saga.retelling.retelling import Span, count, retell

__all__ = ["Span", "count", "retell"]
