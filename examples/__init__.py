"""Other sagas on the same runtime: each reads like a tutorial, and `python -m examples NAME` runs it."""
