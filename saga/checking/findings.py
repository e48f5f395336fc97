"""What a check tells."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What is wrong, and the shortest way on which it comes about."""

    problem: str
    trace: Sequence[str] = ()

    def __str__(self) -> str:
        return "\n".join([self.problem, *(f"  {number}. {line}" for number, line in enumerate(self.trace, 1))])


@dataclass(frozen=True)
class Report:
    """`states` and `moves` are how much was looked at: all there is, if nothing was found."""

    services: Sequence[str]
    findings: Sequence[Finding]
    states: int
    moves: int
    seconds: float
    interventions: Sequence[str]

    @property
    def proven(self) -> bool:
        return not self.findings
