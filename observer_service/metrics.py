"""What Prometheus may ask about sagas as a whole: names by https://prometheus.io/docs/practices/naming/.

What can be counted from the start is there from the start, as 0: the first refusal is an increase then, and not a
series that begins at 1.
"""

from time import monotonic
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

STATES: Final = ("running", "compensating", "stuck")
REASONS: Final = ("late", "deadline", "parked", "discarded")
OUTCOMES: Final = ("succeeded", "refused", "compensated")
UNDECLARED: Final = "undeclared"
"""Events of types that no service declares. Strangers make these up, so they are counted together."""

_STEP_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
"""Seconds. From a step's own transaction to the last retry tier, and beyond."""
_SAGA_BUCKETS: Final = (*_STEP_BUCKETS[2:], 3600, 14_400, 86_400)
"""Seconds. To the deadline of a day."""

SAGAS = Gauge("saga_sagas", "Sagas that have not ended, by how they stand.", ["state"])
STUCK = Gauge("saga_stuck_sagas", "Sagas that go on no more, by why and the step that is awaited.", ["reason", "step"])
ENDED = Counter("saga_ended", "Sagas that have ended, by how.", ["outcome"])
DURATION = Histogram(
    "saga_duration_seconds", "From a saga's first event to its last.", ["outcome"], buckets=_SAGA_BUCKETS
)
STEP = Histogram(
    "saga_step_seconds",
    "From the event that a step hears to the event that it says.",
    ["service", "step"],
    buckets=_STEP_BUCKETS,
)
OBSERVED = Counter("saga_observed_events", "Events that were handled by the observer.", ["type"])
LAG = Gauge("saga_observer_lag_seconds", "Age of the newest event handled, when it was handled; 0, once none follow.")
RETRIES = Counter("saga_retries_observed", "Messages that a service was seen to try again.", ["service"])
PARKED = Counter("saga_parked_observed", "Messages that a service was seen to park.", ["service"])

for _state in STATES:
    SAGAS.labels(_state)
for _outcome in OUTCOMES:
    ENDED.labels(_outcome)
    DURATION.labels(_outcome)


class Lag:
    """How far behind the observer was when it handled something last; 0, once nothing has followed for a while."""

    def __init__(self) -> None:
        self._handled_at = 0.0

    def note(self, seconds: float) -> None:
        LAG.set(seconds)
        self._handled_at = monotonic()

    def look(self) -> None:
        """Asked again and again, as long as it has caught up with its queue and its database answers."""
        if monotonic() - self._handled_at > _FOLLOWING:
            LAG.set(0)


_FOLLOWING: Final = 15.0
"""Seconds. Far longer than the observer takes for a batch."""
lag: Final = Lag()
