"""The ceiling: the least work that keeps the same durability, written by hand for this one saga."""
