"""The recipient's bank."""
