"""Which detector warns of what, how early, and how often of nothing: tuned on one half of a recording, judged by the
other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.forecast.detectors import DETECTORS, Detector
from benchmarks.forecast.episodes import EPISODES
from benchmarks.forecast.recording import Second, read

APART = 10
"""Seconds. Warnings that are closer are one alarm."""


@dataclass(frozen=True)
class Verdict:
    """`leads`: seconds from each alarm to the first stuck saga. `missed` and `false` name what happened meanwhile."""

    leads: tuple[float, ...]
    missed: tuple[str, ...]
    false: tuple[str, ...]

    @property
    def precision(self) -> float:
        return len(self.leads) / max(len(self.leads) + len(self.false), 1)

    @property
    def recall(self) -> float:
        return len(self.leads) / max(len(self.leads) + len(self.missed), 1)

    @property
    def lead(self) -> float:
        return median(self.leads) if self.leads else 0.0

    @property
    def merit(self) -> tuple[float, float]:
        """The harmonic mean of precision and recall, in steps that a chance does not make; then how early."""
        both = self.precision + self.recall
        return round(2 * self.precision * self.recall / both if both else 0.0, 2), self.lead


def judge(recording: Path) -> str:
    """A table in Markdown, with the settings that each was tuned to."""
    seconds = list(read(recording))
    lines = ["| Detector | precision | recall | median lead | misses | false alarms |", "|---|---|---|---|---|---|"]
    tuned_to = []
    for name, kind in DETECTORS.items():
        tried = [(verdict(seconds, kind(**told), tunes=True), told) for told in kind.settings()]
        _, told = max(tried, key=lambda one: one[0].merit)
        found = verdict(seconds, kind(**told), tunes=False)
        lines.append(
            f"| {name} | {found.precision:.2f} | {found.recall:.2f} | {found.lead:.1f} s "
            f"| {', '.join(found.missed) or 'none'} | {_counted(found.false) or 'none'} |"
        )
        tuned_to.append(f"{name}: {_told(told)}")
    return "\n".join([*lines, "", *tuned_to])


def verdict(seconds: Sequence[Second], detector: Detector, *, tunes: bool) -> Verdict:
    """It sees the whole recording, and is judged by one half of the episodes, with the calm before them."""
    warned = [detector.look(second) for second in seconds]
    alarms = list(_alarms(seconds, warned))
    half = len([episode for episode in EPISODES if episode.tunes])
    turn = next(place for place, second in enumerate(seconds) if second.episode == half)
    ours = range(turn) if tunes else range(turn, len(seconds))
    leads, missed = [], []
    for number, episode in enumerate(EPISODES):
        if episode.tunes is not tunes or not episode.is_ailment:
            continue
        during = [place for place in ours if seconds[place].episode == number and seconds[place].phase == "episode"]
        stuck = next((place for place in during if seconds[place].stuck), None)
        if stuck is None:
            continue  # it did no harm: nobody need have warned of it
        warning = next((place for place in during if place < stuck and warned[place]), None)
        if warning is None:
            missed.append(episode.name)
        else:
            leads.append(seconds[stuck].at - seconds[warning].at)
    false = [_meanwhile(seconds[place]) for place in alarms if place in ours and not _ails(seconds[place])]
    return Verdict(tuple(leads), tuple(missed), tuple(false))


def _alarms(seconds: Sequence[Second], warned: Iterable[bool]) -> Iterator[int]:
    """Where each alarm begins."""
    last = -APART - 1.0
    for place, is_warned in enumerate(warned):
        if is_warned:
            if seconds[place].at - last > APART:
                yield place
            last = seconds[place].at


def _ails(second: Second) -> bool:
    return second.episode is not None and EPISODES[second.episode].is_ailment


def _meanwhile(second: Second) -> str:
    return EPISODES[second.episode].name if second.episode is not None else "calm"


def _counted(names: Iterable[str]) -> str:
    return ", ".join(f"{len(list(same))} x {name}" for name, same in groupby(sorted(names)))


def _told(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())
