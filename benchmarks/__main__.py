"""`python -m benchmarks [NAME,…]`: sagas a second at saturation, and how long a lone order takes."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.contender import CONTENDERS
from benchmarks.load import loading
from benchmarks.meter import costs
from infra.local.servers import local_servers

SECONDS = 15.0
IN_FLIGHT = 2_000


async def look(run: Path, names: list[str], seconds: float) -> None:
    with local_servers(run, say=lambda _: None) as servers:
        for contender in CONTENDERS:
            if contender.name not in names:
                continue
            async with contender.start(servers, run) as running, loading(running.amqp) as load:
                throughput = await load.saturate(IN_FLIGHT, seconds, warm_up=5)
                await load.drained()
                memory = {name: round(cost.memory / 1e6) for name, cost in costs(running.pids).items()}
                print(f"{contender.name:<10}{throughput:8.0f} sagas/s   {memory} MB", flush=True)
                latencies = sorted(1000 * seconds for seconds in await load.at_rate(5, 8))
                print(f"{'':<10}alone: p50 {median(latencies):.1f} ms, max {latencies[-1]:.1f} ms", flush=True)


def main() -> None:
    os.environ.setdefault("SAGA_LOCAL", "binaries")
    names = sys.argv[1].split(",") if len(sys.argv) > 1 else [contender.name for contender in CONTENDERS]
    with tempfile.TemporaryDirectory(prefix="saga-bench-") as folder:
        asyncio.run(look(Path(folder), names, SECONDS))


if __name__ == "__main__":
    main()
