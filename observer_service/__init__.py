"""Hears every event and tells each saga's story; changes nothing."""
