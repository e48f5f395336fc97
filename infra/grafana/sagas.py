"""The dashboard "Sagas": what customers feel, as the observer tells it."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from infra.grafana.panels import board, choice, graph, heat, number, quantiles, row, spans

STEP = 'saga_step_seconds_bucket{step=~"$step"}'


def dashboard() -> Dashboard:
    built = board("sagas", "Sagas", "How sagas go on and how they end. What to do about an alert: docs/operations.md")
    built.with_variable(choice("step", "Step", "label_values(saga_step_seconds_count, step)"))
    row(
        built,
        "Now",
        number("Running", "short", 'sum(saga_sagas{state="running"})'),
        number("Compensating", "short", 'sum(saga_sagas{state="compensating"})'),
        number("Stuck", "short", 'sum(saga_sagas{state="stuck"})', bad=1),
        number("Ended per second", "ops", "sum(rate(saga_ended_total[$__rate_interval]))"),
        number("Refused or undone, 15 min", "percentunit", "saga:unsuccessful:ratio_rate15m", bad=0.5),
        number("The observer is behind", "s", "max(saga_observer_lag_seconds)", bad=60),
        height=4,
    )
    row(
        built,
        "Sagas",
        graph("Not ended, by how they stand", "short", {"{{state}}": "sum by (state) (saga_sagas)"}, stacked=True),
        graph(
            "Ended, by outcome",
            "ops",
            {"{{outcome}}": "sum by (outcome) (rate(saga_ended_total[$__rate_interval]))"},
            stacked=True,
        ),
        graph(
            "Refused or undone, share of the ended",
            "percentunit",
            {"15 minutes": "saga:unsuccessful:ratio_rate15m", "1 day": "saga:unsuccessful:ratio_rate1d"},
        ),
    )
    row(
        built,
        "From a saga's first event to its last",
        graph("All", "s", quantiles("saga_duration_seconds_bucket")),
        graph("By outcome", "s", quantiles("saga_duration_seconds_bucket", "outcome")),
        heat("Spread", "s", "sum by (le) (increase(saga_duration_seconds_bucket[$__rate_interval]))"),
    )
    row(
        built,
        "Steps: from the event heard to the event said",
        graph("Each step", "s", quantiles(STEP, "step")),
        heat("Spread of the chosen steps", "s", f"sum by (le) (increase({STEP}[$__rate_interval]))"),
        graph(
            "Steps taken",
            "ops",
            {"{{step}}": 'sum by (step) (rate(saga_step_seconds_count{step=~"$step"}[$__rate_interval]))'},
        ),
    )
    row(
        built,
        "Trouble",
        graph("Stuck, by why and where", "short", {"{{reason}}: {{step}}": "sum by (reason, step) (saga_stuck_sagas)"}),
        spans("Alerts", {"{{alertname}} {{service}}": 'max by (alertname, service) (ALERTS{alertstate="firing"})'}),
    )
    row(
        built,
        "What the observer hears",
        graph("Events", "ops", {"{{type}}": "sum by (type) (rate(saga_observed_events_total[$__rate_interval]))"}),
        graph(
            "Tried again and parked",
            "ops",
            {
                "{{service}} tried again": "sum by (service) (rate(saga_retries_observed_total[$__rate_interval]))",
                "{{service}} parked": "sum by (service) (rate(saga_parked_observed_total[$__rate_interval]))",
            },
        ),
    )
    return built.build()
