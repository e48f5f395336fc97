"""Run a service as it is, but for what ails it: `python -m benchmarks.forecast.ailing NAME ORDERS`.

`ORDERS` is a file of JSON that may change at any time: `latency` in seconds, and shares of 0 to 1 that are `lost`,
`leaked` or `broken`.
"""

import asyncio
import json
import random
import runpy
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from inventory_service.handlers import inventory
from payment_service.gateway import SimulatedGateway
from shipping_service.gateway import SimulatedCarrier

SLOTS = 20
"""Connections that the ailing client has to the outside world."""

Method = Callable[[Any, Any, Any], Awaitable[Any]]


class Ailment:
    """What ails the service at this moment."""

    def __init__(self, orders: Path) -> None:
        self._orders = orders
        self._free = asyncio.Semaphore(SLOTS)
        self._leaked = 0

    def now(self, what: str) -> float:
        return float(json.loads(self._orders.read_text()).get(what, 0.0))

    def happens(self, what: str) -> bool:
        return random.random() < self.now(what)

    def outside(self, method: Method) -> Method:
        """The same call to the outside world, ailing."""

        async def call(world: object, asked: object, key: object) -> object:
            if not self.now("leaked"):  # healed by a restart, as leaks are
                for _ in range(self._leaked):
                    self._free.release()
                self._leaked = 0
            await self._free.acquire()
            try:
                await asyncio.sleep(self.now("latency") * random.uniform(0.7, 1.3))
                answer = await method(world, asked, key)
                if self.happens("lost"):
                    raise TimeoutError("the answer was lost")
                return answer
            finally:
                if self.happens("leaked"):
                    self._leaked += 1
                else:
                    self._free.release()

        return call


def main() -> None:
    _, name, orders = sys.argv
    ailment = Ailment(Path(orders))
    step = inventory.steps["reserve_stock"]

    async def reserve_stock(messages: Sequence[Any], tx: Any) -> Any:
        if ailment.happens("broken"):
            raise ValueError("broken")
        return await step.handler(messages, tx)

    inventory.steps["reserve_stock"] = replace(step, handler=reserve_stock)
    capture = ailment.outside(SimulatedGateway.capture)
    book = ailment.outside(SimulatedCarrier.book)
    setattr(SimulatedGateway, "capture", capture)  # noqa: B010 — it isn't meant to be assigned
    setattr(SimulatedCarrier, "book", book)  # noqa: B010
    sys.argv = [name]
    runpy.run_module(f"{name}_service", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
