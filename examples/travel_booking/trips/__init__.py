"""The front door: whoever wants a trip asks here, and hears here what has become of it."""
