"""Counts what it hears, and so tells if any message is handled twice: adding up is not idempotent."""
