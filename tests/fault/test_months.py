"""Forty days in half a minute: what goes on for months takes up no more room than what has gone on for weeks."""

import os
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from infra.local.binaries import find_postgres
from infra.local.servers import Servers
from tests.fault.calendar import LIBFAKETIME, Calendar
from tests.fault.months import Footprint, months, table

RETENTION, EACH, LOOKS = (timedelta(days=21), 50, 8) if os.environ.get("SAGA_TEST_LONG") else (timedelta(days=9), 2, 2)
"""For so long everything is remembered; orders of each of six kinds on a day; and how often it is measured what is
taken up."""
SETTLED = 2 * RETENTION.days + 2
"""A day after which nothing grows any more: shipping remembers what has left for twice the retention."""
DAYS = 2 * SETTLED


@pytest.mark.skipif(LIBFAKETIME is None, reason="libfaketime isn't installed (apt-get install libfaketime)")
@pytest.mark.skipif(find_postgres() is None, reason="this machine has no PostgreSQL that could be misled")
@pytest.mark.timeout(3600)
async def test_months_take_up_no_more_room_than_weeks(servers: Servers, tmp_path: Path) -> None:
    """Inbox, fence, orders, reservations, payments and shipments, in rows and in bytes, and the processes' memory."""
    footprints: dict[int, Footprint] = {}
    with TemporaryDirectory(prefix="saga-calendar-") as folder:
        Path(folder).chmod(0o755)  # the server's own user looks at it, too
        calendar = Calendar(Path(folder, "date"))
        async with months(calendar, servers, tmp_path, RETENTION) as shop:
            for day in range(DAYS + 1):
                await shop.live_through_a_day(EACH)
                if day % 5 == 0:
                    await shop.vacuum()
                if day % (DAYS // LOOKS) == 0:
                    footprints[day] = await shop.footprint(day)
                calendar.turn()
    told = table(list(footprints.values()))
    (tmp_path / "months.md").write_text(told)
    then, now = footprints[SETTLED], footprints[DAYS]
    assert (now.partitions, now.rows) == (then.partitions, then.rows), told
    for measure in ("sizes", "catalogs", "memory"):
        was, has_become = getattr(then, measure), getattr(now, measure)
        assert all(has_become[name] <= 1.1 * was[name] for name in was), told
