"""Which faults happen, and in which order: decided by the dice of a seed."""

import random

from events import StockReserved
from inventory_service.handlers import inventory
from saga.faultpoints import Point
from tests.fault import faults
from tests.fault.faults import SERVICES, WIRES, Fault


def at_points(times: int) -> list[list[Fault]]:
    """Every fault point, so many times: a row for each service, for all rows to happen at the same time.

    In turns: a service that only ever dies before it says something leaves the others without work.
    """
    points: dict[str, list[Point]] = {service: [] for service in SERVICES}
    for _ in range(times):
        for point in sorted(Point, key=lambda point: len(faults.services_of(point))):
            points[min(faults.services_of(point), key=lambda name: len(points[name]))].append(point)
    return [[faults.killed_at(service, at)] for service, at in points.items()]


def one_of_each(dice: random.Random) -> list[list[Fault]]:
    """Every kind of fault once: a row for the services, one for the servers, one for the wires."""
    return [
        [
            faults.kill(dice.choice(SERVICES)),
            faults.skewed(dice.choice(SERVICES), dice.choice([-1, 1]), seconds=4),
            faults.away("payment", seconds=4),
        ],
        [
            faults.server_killed("broker", pause=dice.uniform(0, 2)),
            faults.server_killed("database", pause=dice.uniform(0, 2)),
            faults.alarm(dice.choice(["memory", "disk"]), seconds=3),
            faults.unheard(inventory, StockReserved, seconds=2),
        ],
        [
            faults.cut(*dice.choice(WIRES)),
            faults.refused(*dice.choice(WIRES), seconds=2),
            faults.delayed(*dice.choice(WIRES), seconds=3, delay=0.1),
            faults.throttled(*dice.choice(WIRES), seconds=3, rate=20_000),
            faults.frozen(dice.choice(SERVICES), dice.choice(faults.SERVERS), seconds=5),
        ],
    ]


def singles(dice: random.Random) -> list[Fault]:
    """Each kind of fault many times, one at a time: what it costs to recover from it."""
    planned = [
        *(faults.kill(dice.choice(SERVICES)) for _ in range(8)),
        *(faults.server_killed("broker", pause=dice.uniform(0, 3)) for _ in range(5)),
        *(faults.server_killed("database", pause=dice.uniform(0, 3)) for _ in range(5)),
        *(faults.server_restarted(server) for server in faults.SERVERS for _ in range(2)),
        *(faults.cut(*dice.choice(WIRES)) for _ in range(16)),
        *(faults.refused(*wire, seconds=dice.uniform(1, 4)) for wire in dice.sample(WIRES, 4)),
        *(faults.frozen(*wire, seconds=dice.uniform(5, 20)) for wire in dice.sample(WIRES, 4)),
        *(faults.delayed(*wire, seconds=5, delay=0.2) for wire in dice.sample(WIRES, 2)),
        *(faults.throttled(*wire, seconds=5, rate=20_000) for wire in dice.sample(WIRES, 2)),
        *(faults.alarm(resource, seconds=dice.uniform(2, 10)) for resource in ("memory", "disk")),
        *(faults.skewed(service, days, seconds=5) for service, days in zip(SERVICES, (1, -1, 1, -1), strict=True)),
        *(faults.away(service, seconds=8) for service in ("inventory", "payment", "shipping")),
        faults.unbound(inventory, "payment", StockReserved, seconds=3),
        faults.unheard(inventory, StockReserved, seconds=3),
    ]
    dice.shuffle(planned)
    return planned


def spree(dice: random.Random, times: int) -> list[list[Fault]]:
    """Everything at the same time: rows of kills, of hurt servers and of hurt wires."""
    return [
        [faults.kill(dice.choice(SERVICES), after=dice.uniform(0, 3)) for _ in range(times)],
        [faults.server_killed(dice.choice(faults.SERVERS), pause=dice.uniform(0, 3)) for _ in range(times // 10)],
        [fault for _ in range(times // 4) for fault in (faults.cut(*dice.choice(WIRES)), _on_a_wire(dice))],
    ]


def _on_a_wire(dice: random.Random) -> Fault:
    wire = dice.choice(WIRES)
    return dice.choice(
        [
            faults.cut(*wire),
            faults.refused(*wire, seconds=dice.uniform(0, 3)),
            faults.frozen(*wire, seconds=dice.uniform(0, 5)),
            faults.delayed(*wire, seconds=3, delay=dice.uniform(0, 0.3)),
            faults.throttled(*wire, seconds=3, rate=dice.randint(10_000, 200_000)),
        ]
    )
