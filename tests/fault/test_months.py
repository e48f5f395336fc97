"""Ninety days in a minute: what is kept for months takes up no more room than what is kept for weeks."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from infra.local.binaries import find_postgres
from infra.local.servers import Servers
from tests.fault.calendar import LIBFAKETIME, Calendar
from tests.fault.months import Footprint, months, table

DAYS = 90
SETTLED = 45
"""A day after which nothing grows any more: shipping remembers what has left for twice the retention, 42 days."""
EACH, LOOK = (50, 15) if os.environ.get("SAGA_TEST_LONG") else (2, 45)
"""Orders of each of six kinds on a day, and after how many days it is measured what is taken up."""


@pytest.mark.skipif(LIBFAKETIME is None, reason="libfaketime isn't installed (apt-get install libfaketime)")
@pytest.mark.skipif(find_postgres() is None, reason="this machine has no PostgreSQL that could be misled")
@pytest.mark.timeout(3600)
async def test_months_take_up_no_more_room_than_weeks(servers: Servers, tmp_path: Path) -> None:
    """Inbox, fence, orders, reservations, payments and shipments, in rows and in bytes, and the processes' memory."""
    footprints: dict[int, Footprint] = {}
    with TemporaryDirectory(prefix="saga-calendar-") as folder:
        Path(folder).chmod(0o755)  # the server's own user looks at it, too
        calendar = Calendar(Path(folder, "date"))
        async with months(calendar, servers, tmp_path) as shop:
            for day in range(DAYS + 1):
                await shop.live_through_a_day(EACH)
                if day % 5 == 0:
                    await shop.vacuum()
                if day % LOOK == 0:
                    footprints[day] = await shop.footprint(day)
                calendar.turn()
    told = table(list(footprints.values()))
    (tmp_path / "months.md").write_text(told)
    then, now = footprints[SETTLED], footprints[DAYS]
    assert (now.partitions, now.rows) == (then.partitions, then.rows), told
    for measure in ("sizes", "catalogs", "memory"):
        was, has_become = getattr(then, measure), getattr(now, measure)
        assert all(has_become[name] <= 1.1 * was[name] for name in was), told
