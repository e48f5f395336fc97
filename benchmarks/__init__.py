"""The same saga, done in different ways, measured on one machine: `python -m benchmarks`."""
