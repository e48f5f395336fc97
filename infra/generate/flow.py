"""Who hears what, does what and says what: as a diagram and as a table."""

from collections.abc import Iterator, Sequence

from events import Message
from infra.generate.markdown import Row, heard, names, summary, table
from saga import Command, Kind, Service
from saga.messages import wire_name

STEP = ("hears", "does", "says", "kind", "undoes")
INTRODUCTION = """# Choreography

Made from the services' declarations by `make generate`. Rounded are events, slanted is what comes in at a service's own
API, hexagons are steps. Dashed steps undo; the thick one is the pivot, after which nothing is undone. Thick arrows lead
to a step that waits for several events, dotted ones from a clock. Listeners say nothing and stand in the table only.
"""


def page(told: Sequence[Service]) -> str:
    rows = ((service.name, *row) for service in told for row in steps(service))
    lines = (INTRODUCTION, "```mermaid", *flowchart(told), "```", "", *table(("service", *STEP), rows), "")
    return "\n".join(lines)


def flowchart(told: Sequence[Service]) -> Iterator[str]:
    """In Mermaid: https://mermaid.js.org/syntax/flowchart.html."""
    yield "flowchart LR"
    parts = [(service, step) for service in told for step in service.steps.values() if step.kind is not Kind.LISTENER]
    messages = {_node(service, m): m for service, step in parts for m in (*step.hears, *service.said_by(step))}
    for node, message in sorted(messages.items(), key=lambda named: (wire_name(named[1]), named[0])):
        left, right = ("[/", "/]") if issubclass(message, Command) else ("([", "])")
        yield f'  {node}{left}"{wire_name(message)}"{right}'
    for service, step in parts:
        node = f"{service.name}_{step.name}"
        yield f'  {node}{{{{"{service.name}:<br/>{step.name}"}}}}:::{step.kind}'
        arrow = "==>" if step.joins else "-->"
        yield from (f"  {_node(service, message)} {arrow} {node}" for message in step.hears)
        yield from (f"  {node} --> {_node(service, said)}" for said in service.said_by(step))
    for service in told:
        for alarm in service.alarms:
            node = f"{service.name}_{alarm.name}"
            yield f'  {node}[["{service.name}:<br/>{alarm.name}"]]'
            yield from (f"  {node} -.-> {_node(service, asked)}" for asked in sorted(alarm.asks, key=wire_name))
    yield from ("  classDef compensation stroke-dasharray:5", "  classDef pivot stroke-width:4px")


def _node(service: Service, message: type[Message]) -> str:
    """A command is asked at one service's door; an event is the same wherever it is heard."""
    return f"{service.name}_{message.__name__}" if issubclass(message, Command) else message.__name__


def steps(service: Service) -> Iterator[Row]:
    """A row of the table for each."""
    for step in service.steps.values():
        does = f"`{step.name}`: {summary(step.handler)}"
        undoes = f"`{step.undoes.name}`" if step.undoes else "—"
        kind = step.kind.value + (", can be refused by hand" if step.name in service.refusals else "")
        yield heard(step), does, names(service.said_by(step)), kind, undoes


def in_order_of_hearing(known: Sequence[Service]) -> list[Service]:
    """Front doors first, then whoever acts on what they say, and so on: as a story reaches the services."""
    by_name = sorted(known, key=lambda service: service.name)
    told = [service for service in by_name if service.front_door]
    for service in told:
        told += [other for other in by_name if other not in told and _acts_on(other, service)]
    return told + [service for service in by_name if service not in told]


def _acts_on(service: Service, speaker: Service) -> bool:
    """Whether a step of the one, that is no undo and no listener, hears the other."""
    forward = (step for step in service.steps.values() if step.fenced and step.undoes is None)
    return any(set(step.hears) & set(speaker.said) for step in forward)
