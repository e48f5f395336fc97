"""The sender's bank."""
