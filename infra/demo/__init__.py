"""A few dozen orders of every kind through the real system, and the books checked afterwards: `make demo`."""
