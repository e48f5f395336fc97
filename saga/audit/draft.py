"""A report in the making."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter

from saga.audit.circle import Look
from saga.audit.report import Breach, Counts, Doubt, Finding, Report, Unfinished


@dataclass(slots=True)
class Draft:
    """`held` are the laws, each as a sentence, and against how many sagas it was held."""

    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=perf_counter)
    held: dict[str, tuple[str, int | None]] = field(default_factory=dict)
    judged: list[Breach | Doubt] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    def add(self, look: Look, books: Mapping[str, Sequence[str]]) -> None:
        """What was seen of these books, which are told with their keepers."""
        self.looks.append(look)
        for book, keepers in books.items():
            self.held[book] = (f"{_listed(keepers)} agree on the {book}", look.sagas - look.unfinished)

    def hold(self, law: str, sagas: int | None, breaches: Sequence[Breach]) -> None:
        """A law was held against so many sagas, or against totals."""
        self.held[law] = (law, sagas)
        self.judged += breaches

    def report(self, waiting: Counts, parked: Counts) -> Report:
        breaches = tuple(found for found in self.judged if isinstance(found, Breach))
        doubts = tuple(found for found in self.judged if isinstance(found, Doubt))
        broken, doubted = Counter(b.law for b in breaches), Counter(d.breach.law for d in doubts)
        return Report(
            began=self.began,
            seconds=round(perf_counter() - self.clock, 2),
            sagas=sum(look.sagas for look in self.looks),
            findings=tuple(
                Finding(law, sentence, sagas, broken[law], doubted[law]) for law, (sentence, sagas) in self.held.items()
            ),
            breaches=breaches,
            doubts=doubts,
            unfinished=self._unfinished(),
            waiting=waiting,
            parked=parked,
            whole=all(look.whole for look in self.looks),
        )

    def _unfinished(self) -> Unfinished:
        oldest = min((look.oldest for look in self.looks if look.oldest), default=None)
        since, saga = oldest or (None, None)
        return Unfinished(sum(look.unfinished for look in self.looks), saga, since)


def _listed(names: Sequence[str]) -> str:
    """`order, ledger and gateway`"""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
