"""What Prometheus may ask: names by https://prometheus.io/docs/practices/naming/."""

from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter("saga_events_handled", "Messages whose step ran and committed.", ["service", "step"])
SKIPPED = Counter("saga_steps_fenced", "Steps skipped since they were done, undone or blocked.", ["service", "step"])
DUPLICATES = Counter("saga_inbox_duplicates", "Messages that had been handled before.", ["service"])
BATCH = Histogram(
    "saga_batch_messages",
    "Messages taken from the queue at once.",
    ["service"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
)
RETRIED = Counter("saga_messages_retried", "Messages sent to a retry tier.", ["service", "tier"])
PARKED = Counter("saga_messages_parked", "Messages sent to the dead-letter queue.", ["service", "reason"])
PUBLISHED = Counter("saga_outbox_published", "Events confirmed by the broker.", ["service"])
CONFIRM_SECONDS = Histogram(
    "saga_outbox_confirm_seconds", "From publishing events together to the broker's last confirm.", ["service"]
)
RETURNED = Counter("saga_outbox_returned", "Events that the broker could not route.", ["service"])
CALLED = Counter("saga_calls", "Calls to the outside world, by how they ended.", ["service", "call", "outcome"])
CALL_SECONDS = Histogram("saga_call_seconds", "How long calls to the outside world take.", ["service", "call"])
OUTBOX_ROWS = Gauge("saga_outbox_rows", "Events not yet confirmed by the broker.", ["service"])
OUTBOX_PARKED = Gauge("saga_outbox_parked_rows", "Events that the broker could not route ten times.", ["service"])
OUTBOX_AGE = Gauge("saga_outbox_age_seconds", "Age of the oldest event not yet confirmed.", ["service"])
OPEN_CALLS = Gauge("saga_calls_open", "Calls whose outcome is not yet known.", ["service"])
CALLS_AGE = Gauge("saga_calls_age_seconds", "Age of the oldest call whose outcome is not yet known.", ["service"])
UNFINISHED = Gauge("saga_unfinished_sagas", "Sagas that are not finished, by how they stand.", ["service", "status"])
UNFINISHED_AGE = Gauge("saga_unfinished_age_seconds", "Age of the oldest of these.", ["service", "status"])
READY = Gauge("saga_ready", "1 if it consumes, and its database and the broker answer; else 0.", ["service"])
