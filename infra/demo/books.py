"""Do all books agree, and has every order ended as it had to? The one the audit tells, the other the stories know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from infra.demo.stories import Story
from infra.local.system import SERVICES
from saga.audit import Report, audit
from saga.provisioning import Administrator


@dataclass(frozen=True, slots=True)
class Finding:
    """A law, whether it holds, and the figures that say so."""

    law: str
    holds: bool
    figures: str


async def check(endpoints: Mapping[str, str], stories: Sequence[Story]) -> list[Finding]:
    """Every law of the order saga, as soon as nothing moves any more."""
    administrator = Administrator(endpoints["management"], endpoints["postgres"])
    report = await audit(SERVICES, administrator, settled=True, nothing_parked=True)
    return [_endings(stories), await _stories(endpoints, stories), *_laws(report, stories)]


async def _stories(endpoints: Mapping[str, str], stories: Sequence[Story]) -> Finding:
    """The observer has only listened; it must have come to the same."""
    url, headers = f"{endpoints['observer']}/sagas", {"Authorization": f"Bearer {endpoints['token']}"}
    right = 0
    async with httpx.AsyncClient(headers=headers, timeout=30) as http:
        for story in stories:
            told = (await http.get(f"{url}/{story.order_id}")).json()
            right += told.get("state") in STATES[story.status] and told.get("remaining") == []
    return Finding("the observer tells the same of each", right == len(stories), f"{right} of {len(stories)}")


STATES = {"fulfilled": {"succeeded"}, "rejected": {"refused", "compensated"}, "cancelled": {"compensated"}}
"""How a saga stands whose order has this status."""


def _endings(stories: Sequence[Story]) -> Finding:
    right = [s for s in stories if (s.ended.get("status"), s.ended.get("reason")) == (s.status, s.reason)]
    return Finding("every order ended as it had to", len(right) == len(stories), f"{len(right)} of {len(stories)}")


def _laws(report: Report, stories: Sequence[Story]) -> list[Finding]:
    figures = {finding.law: f"{finding.sagas} orders" for finding in report.findings if finding.sagas is not None}
    figures |= _figures(stories)
    figures |= {breach.law: str(breach) for breach in reversed(report.breaches)}
    return [Finding(finding.sentence, finding.holds, figures.get(finding.law, "")) for finding in report.findings]


def _figures(stories: Sequence[Story]) -> dict[str, str]:
    """What there is to agree on, by book."""
    fulfilled = [story for story in stories if story.status == "fulfilled"]
    worth = sum(story.order.amount for story in fulfilled)
    pieces = sum(line.quantity for story in fulfilled for line in story.order.lines)
    split = sum(story.is_split for story in fulfilled)
    return {
        "outcome": f"{len(fulfilled)} fulfilled, {len(stories) - len(fulfilled)} undone",
        "money": f"{worth / 100:,.2f} EUR",
        "pieces": f"{pieces} pieces",
        "parcels": f"{len(fulfilled) + split} parcels, {split} orders from two warehouses",
    }
