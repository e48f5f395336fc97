"""Hears everything and takes no part: keeps every event, tells each saga's story, and notices what goes wrong."""
