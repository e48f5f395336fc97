"""Proves a choreography from its declarations, before it runs; or tells the shortest story in which it fails."""

import time
from collections.abc import Sequence

from saga.checking import sequences
from saga.checking.actors import Actor, actors, interventions, silent
from saga.checking.consumers import misunderstood
from saga.checking.findings import Finding, Report
from saga.checking.schemas import incompatible, outgrown
from saga.checking.search import explore
from saga.checking.shape import misshapen
from saga.errors import ChoreographyError
from saga.service import Service

__all__ = ["REPEATS", "Finding", "Report", "check", "incompatible", "misunderstood", "outgrown", "sequences"]

REPEATS = 3


def check(services: Sequence[Service], repeats: int = REPEATS) -> Report:
    """Follow one saga through every order of messages, refusals and cancellations, with the runtime's inbox and fence.

    What comes from outside is said up to `repeats` times, each time under another id.
    """
    began = time.perf_counter()
    taking_part = [service for service in services if service.steps]
    names = [service.name for service in taking_part]
    try:
        parts = actors(taking_part)
    except ChoreographyError as error:
        return Report(names, [Finding(str(error))], 0, 0, time.perf_counter() - began, [])
    explored = [explore(company, repeats) for company in companies(parts)]
    findings = list(misshapen(taking_part, parts))
    for finding in (finding for one in explored for finding in one.findings):
        if finding not in findings:  # what is wrong with those who speak is wrong in each company
            findings.append(finding)
    states, moves = sum(one.states for one in explored), sum(one.moves for one in explored)
    seconds = time.perf_counter() - began
    return Report(names, findings, states, moves, seconds, interventions(taking_part))


def companies(parts: Sequence[Actor]) -> list[list[Actor]]:
    """Those who speak, with each of the silent in turn: these notice nothing of each other, and multiply no states."""
    quiet = silent(parts)
    speaking = [part for part in parts if part.service not in quiet]
    return [speaking + [part for part in parts if part.service == one] for one in quiet] or [speaking]
