"""What an audit has found."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Counts = dict[str, int | None]
"""How much there is, by what and where. None: whoever counts it can't tell yet."""


def phrases(counts: Counts) -> list[str]:
    """`3 messages in inventory`, `? messages in inventory`"""
    return [f"{'?' if count is None else f'{count:,}'} {what}" for what, count in counts.items()]


class Verdict(StrEnum):
    HOLDS = "holds"
    BROKEN = "broken"
    """Some law is broken, whatever else there is to say."""
    UNSETTLED = "unsettled"
    """Nothing is known to be broken, and not everything could be judged."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A law that is broken, and for which saga, where one can be named. `detail` has the figures."""

    law: str
    detail: str
    saga: str | None = None

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.saga, self.law, self.detail)))


@dataclass(frozen=True, slots=True)
class Doubt:
    """What would be a breach, if nothing were on its way."""

    breach: Breach
    why: str

    @property
    def saga(self) -> str | None:
        return self.breach.saga

    def __str__(self) -> str:
        return f"{self.breach} ({self.why})"


@dataclass(frozen=True, slots=True)
class Finding:
    """One law, and how often it was broken among so many sagas. Laws about totals are held against no saga."""

    law: str
    sentence: str
    sagas: int | None
    breaches: int
    doubts: int

    @property
    def holds(self) -> bool:
        return not self.breaches and not self.doubts


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Sagas that were still on their way when they were looked at."""

    sagas: int = 0
    oldest: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What one round has found. `waiting` is what is on its way, `parked` what is until a person sees to it.

    `whole` is false if there were so many differences that the rest wasn't looked at.
    """

    began: datetime
    seconds: float
    sagas: int
    findings: tuple[Finding, ...]
    breaches: tuple[Breach, ...]
    doubts: tuple[Doubt, ...]
    unfinished: Unfinished
    waiting: Counts
    parked: Counts
    whole: bool = True

    @property
    def verdict(self) -> Verdict:
        if self.breaches:
            return Verdict.BROKEN
        return Verdict.UNSETTLED if self.doubts or not self.whole else Verdict.HOLDS

    @property
    def holds(self) -> bool:
        return self.verdict is Verdict.HOLDS

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.verdict}: {self.sagas} sagas"
        yield from map(str, self.breaches)
        yield from map(str, self.doubts)
