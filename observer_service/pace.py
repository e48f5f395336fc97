"""How long a step usually takes: counted in buckets that grow by a tenth, so that any share is known to a tenth."""

from collections.abc import Mapping
from math import ceil, log

FIRST = 0.001
"""Seconds. What is faster counts as this."""
GROWTH = 1.1
_ENOUGH = 1000
"""Times. Before, nothing is known of one in a thousand."""


def bucket_of(seconds: float) -> int:
    return max(ceil(log(max(seconds, FIRST) / FIRST, GROWTH)), 0)


def seconds_of(bucket: int) -> float:
    """What the slowest in it took, at most."""
    return float(FIRST * GROWTH**bucket)


def quantile(times: Mapping[int, int], share: float) -> float | None:
    """In seconds: so long, or less, did this share of all times take. None, as long as too little is known."""
    total = sum(times.values())
    if total < _ENOUGH:
        return None
    counted = 0
    for bucket in sorted(times):
        counted += times[bucket]
        if counted >= share * total:
            return seconds_of(bucket)
    return None
