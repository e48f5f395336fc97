"""A clock of the test's own, which jumps from day to day for everybody who is made to believe in it."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

LIBFAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
"""Where Debian's package libfaketime puts it; None where it isn't installed."""
DAY = timedelta(days=1)


class Calendar:
    """The date of a file, which libfaketime shows to processes as the time that it was when they started.

    It is asked of the file at each look, by a system call that is allowed even in a handler of signals, where servers
    look at the clock, too; though what interrupts a wait is shown the true time there. The monotonic clock stays true.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._date = datetime.now(UTC)
        self._began = time.monotonic()
        file.touch(mode=0o644)
        self._tell()

    @property
    def environment(self) -> dict[str, str]:
        """Whoever is started with it, believes."""
        return {
            "LD_PRELOAD": str(LIBFAKETIME),
            "FAKETIME": "%",
            "FAKETIME_FOLLOW_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_RESET": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def now(self) -> datetime:
        """What those believe who were started when the calendar was made; who came later is so much behind."""
        return self._date + timedelta(seconds=time.monotonic() - self._began)

    def turn(self) -> None:
        """It is tomorrow."""
        self._date += DAY
        self._tell()

    def _tell(self) -> None:
        os.utime(self._file, (self._date.timestamp(), self._date.timestamp()))
