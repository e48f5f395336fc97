"""Tells customers how things stand. A mail can't be taken back: it can only be followed by another."""
