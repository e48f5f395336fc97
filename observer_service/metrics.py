"""What Prometheus may ask of the observer: names by https://prometheus.io/docs/practices/naming/."""

from prometheus_client import Counter, Gauge, Histogram

SAGAS = Gauge("saga_sagas", "Sagas that have not ended, by how they stand.", ["state"])
STUCK = Gauge(
    "saga_stuck_sagas", "Sagas that are stuck, by reason and by the step that they wait for.", ["reason", "step"]
)
ENDED = Counter("saga_ended", "Sagas that have ended, by how.", ["outcome"])
DURATION = Histogram(
    "saga_duration_seconds",
    "From a saga's first event to its last, by how it ended.",
    ["outcome"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400),
)
STEP = Histogram(
    "saga_step_seconds",
    "From the event that a step hears to the event that it says.",
    ["service", "step"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
EVENTS = Counter("saga_observed_events", "Events that were heard for the first time.", ["type"])
RETRIED = Counter("saga_retries_observed", "Messages that were seen on their way to a retry tier.", ["service"])
PARKED = Counter("saga_parked_observed", "Messages that were seen to park.", ["service"])
LAG = Gauge("saga_observer_lag_seconds", "Age of the newest event of the last batch, when it was heard.")
FORECAST = Gauge("saga_forecast_warning", "Whether a step behaves unusually.", ["step", "signal"])
