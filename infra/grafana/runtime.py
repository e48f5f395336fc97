"""The dashboard "Runtime": the services' queues, outboxes and calls, and the broker between them."""

from grafana_foundation_sdk.builders.dashboard import Dashboard as Builder
from grafana_foundation_sdk.models.dashboard import Dashboard

from infra.grafana.panels import Queries, board, choice, graph, heat, number, quantiles, row, spans

OURS = 'service=~"$service"'
QUEUES = 'queue=~"$service"'


def dashboard() -> Dashboard:
    built = board("runtime", "Runtime", "What waits where, and how fast it goes. What to do: docs/operations.md")
    built.with_variable(choice("service", "Service", "label_values(saga_ready, service)"))
    _now(built)
    _queues(built)
    _handling(built)
    _outboxes(built)
    _calls(built)
    _processes(built)
    return built.build()


def _now(built: Builder) -> None:
    row(
        built,
        "Now",
        number("Services that are not ready", "short", "count(max by (service) (saga_ready) == 0) or vector(0)", bad=1),
        number("Dead letters", "short", 'sum(rabbitmq_detailed_queue_messages{queue=~".+[.]dead"})', bad=1),
        number("Nobody hears", "short", 'sum(rabbitmq_detailed_queue_messages{queue="unrouted"})', bad=1),
        number("Oldest in an outbox", "s", "max(saga_outbox_age_seconds)", bad=60),
        number("Parked in an outbox", "short", "sum(max by (service) (saga_outbox_parked_rows))", bad=1),
        number("Oldest open call", "s", "max(saga_calls_age_seconds)", bad=300),
        height=4,
    )


def _queues(built: Builder) -> None:
    row(
        built,
        "Queues",
        graph(
            "Waiting for a service",
            "short",
            {"{{queue}}": f"sum by (queue) (rabbitmq_detailed_queue_messages_ready{{{QUEUES}}})"},
        ),
        graph(
            "In its hands",
            "short",
            {"{{queue}}": f"sum by (queue) (rabbitmq_detailed_queue_messages_unacked{{{QUEUES}}})"},
        ),
        graph("Consumers", "short", {"{{queue}}": f"sum by (queue) (rabbitmq_detailed_queue_consumers{{{QUEUES}}})"}),
        graph(
            "In retry tiers and dead letters",
            "short",
            {"{{queue}}": 'sum by (queue) (rabbitmq_detailed_queue_messages{queue=~"($service)[.].+"}) > 0'},
        ),
    )


def _handling(built: Builder) -> None:
    row(
        built,
        "Handling",
        graph("Steps run", "ops", {"{{step}}": _rate("saga_events_handled_total", "step")}, stacked=True),
        graph(
            "Messages in a batch, on average",
            "short",
            {"{{service}}": f"{_rate('saga_batch_messages_sum')} / {_rate('saga_batch_messages_count')}"},
        ),
        heat("Batches, by how many messages", "short", f"sum by (le) (increase({_bucket('saga_batch_messages')}))"),
    )
    row(
        built,
        "Again, and not at all",
        graph("Sent to a retry tier", "ops", {"{{service}} {{tier}}": _rate("saga_messages_retried_total", "tier")}),
        graph("Parked", "ops", {"{{service}} {{reason}}": _rate("saga_messages_parked_total", "reason")}),
        graph("Handled before", "ops", {"{{service}}": _rate("saga_inbox_duplicates_total")}),
        graph("Stopped by the fence", "ops", {"{{step}}": _rate("saga_steps_fenced_total", "step")}),
    )


def _outboxes(built: Builder) -> None:
    row(
        built,
        "Outboxes",
        graph("Age of the oldest", "s", _told("saga_outbox_age_seconds")),
        graph("Not yet confirmed", "short", _told("saga_outbox_rows")),
        graph("Published", "ops", {"{{service}}": _rate("saga_outbox_published_total")}),
        graph("Until the broker confirms", "s", quantiles(f"saga_outbox_confirm_seconds_bucket{{{OURS}}}", "service")),
    )
    row(
        built,
        "Not routed, and not finished",
        graph(
            "Returned by the broker",
            "ops",
            {"{{service}}": _rate("saga_outbox_returned_total")},
        ),
        graph("Parked in the outbox", "short", _told("saga_outbox_parked_rows")),
        graph("Orders not finished", "short", _told("saga_unfinished_sagas", "status")),
        graph("Age of the oldest of them", "s", _told("saga_unfinished_age_seconds", "status")),
    )


def _calls(built: Builder) -> None:
    row(
        built,
        "Calls to the outside",
        graph("How they end", "ops", {"{{call}} {{outcome}}": _rate("saga_calls_total", "call", "outcome")}),
        graph("How long they take", "s", quantiles(f"saga_call_seconds_bucket{{{OURS}}}", "call")),
        graph("Open", "short", _told("saga_calls_open")),
        graph("Age of the oldest", "s", _told("saga_calls_age_seconds")),
    )


def _processes(built: Builder) -> None:
    rate = 'rate(process_cpu_seconds_total{job="services"}[$__rate_interval])'
    row(
        built,
        "Processes and broker",
        spans("Ready", {"{{service}}": "1 - max by (service) (saga_ready)"}, about="Red: not ready."),
        graph("Processor", "percentunit", {"{{instance}}": f"sum by (instance) ({rate})"}),
        graph("Memory", "bytes", {"{{instance}}": 'process_resident_memory_bytes{job="services"}'}),
        graph(
            "The broker's memory and disk",
            "bytes",
            {
                "memory": "sum(rabbitmq_process_resident_memory_bytes)",
                "memory, limit": "sum(rabbitmq_resident_memory_limit_bytes)",
                "disk, free": "min(rabbitmq_disk_space_available_bytes)",
            },
        ),
        graph("Connections", "short", {"open": "sum(rabbitmq_connections)"}),
    )


def _rate(counter: str, *by: str) -> str:
    return f"sum by ({', '.join(('service', *by))}) (rate({counter}{{{OURS}}}[$__rate_interval]))"


def _bucket(histogram: str) -> str:
    return f"{histogram}_bucket{{{OURS}}}[$__rate_interval]"


def _told(gauge: str, *by: str) -> Queries:
    """What every replica reads from the same database, so that they tell it alike."""
    legend = " ".join(f"{{{{{label}}}}}" for label in ("service", *by))
    return {legend: f"max by ({', '.join(('service', *by))}) ({gauge}{{{OURS}}})"}
