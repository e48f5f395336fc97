"""A term that isn't paid for ends the access that an earlier one gave; no mail is ever taken back."""

from uuid import uuid5

import pytest

from examples.subscription import SCENARIO
from examples.subscription.events import AccessEnded, AccessGranted, CustomerNotified, TermDeclined, TermRefunded
from saga.exploring import Tally, exhaust
from tests.examples.conftest import Playing, Sandboxes


@pytest.mark.timeout(120)
async def test_a_card_that_expires_days_later_ends_the_access(play: Playing) -> None:
    """The next term is a saga of its own, opened by the clock."""
    async with play("subscription") as here:
        expiring = await here.tell("a card that expires after the first term")
        renewed = await here.tell("three terms")
        full = await here.tell("a plan that is full")
        await here.stage.hears(AccessGranted, expiring)
        second = uuid5(expiring, "2")
        assert (await here.stage.hears(TermDeclined, second, within=30)).reason == "expired_card"
        await here.stage.hears(AccessEnded, second)
        for term in (expiring, second):
            await here.stage.hears(CustomerNotified, term)
        for number in (2, 3):
            await here.stage.hears(AccessGranted, uuid5(renewed, str(number)), within=30)
        assert (await here.stage.hears(TermRefunded, full)).amount == 99_900
        ends = [await here.ended(saga) for saga in (expiring, second, uuid5(renewed, "3"), full)]
        assert ends == ["succeeded", "refused", "succeeded", "compensated"]
        await here.balanced()


async def test_a_renewal_may_come_at_any_moment(sandbox_of: Sandboxes) -> None:
    """While the last mail is being sent, say; without a clock, there is one order only in which anything can happen."""
    tallies = {"one term": Tally(), "three terms": Tally()}
    box = await sandbox_of("subscription")
    for story, tally in tallies.items():
        exploring = exhaust(SCENARIO, story, box, faults=0, limit=100, tally=tally)
        assert [found async for found in exploring] == []
    assert [tally.schedules for tally in tallies.values()] == [1, 90]
