"""Every way in which a saga may end is told once, by the shortest story."""

import pytest

from examples import bank_transfer, multi_warehouse, subscription, travel_booking
from saga import Service
from saga.checking import sequences
from saga.checking.stories import Story, stories
from saga.choreography import Choreography
from tests.order_saga import ORDER_SAGA
from tests.unit.follower import follower

SAGAS = [
    pytest.param(ORDER_SAGA, id="orders"),
    *(
        pytest.param(example.SERVICES, id=example.__name__.rpartition(".")[2])
        for example in (bank_transfer, multi_warehouse, subscription, travel_booking)
    ),
]


@pytest.mark.parametrize("services", SAGAS)
def test_each_end_is_told_once_and_every_refusal_and_undo_is_in_one(services: list[Service]) -> None:
    told = stories(services)
    titles = [story.title for story in told]
    assert len(set(titles)) == len(titles)
    assert all(story.scenes for story in told)
    for service in services:
        for refused in service.refusals:
            assert any(f"`{refused}` refuses" in title for title in titles), refused
        for step in service.steps.values():
            if step.undoes:
                assert any(f"`{step.undoes.name}` is undone" in title for title in titles), step.name


@pytest.mark.parametrize("services", SAGAS)
def test_each_story_has_a_last_word(services: list[Service]) -> None:
    choreography = Choreography.of(services)
    for story in stories(services):
        said = {scene.said for scene in story.scenes if scene.said}
        assert said - choreography.continuing.keys(), story.title


def test_who_says_nothing_is_in_no_story() -> None:
    assert stories([*ORDER_SAGA, follower]) == stories(ORDER_SAGA)


def test_a_transfer_may_end_in_three_ways() -> None:
    assert [story.title for story in stories(bank_transfer.SERVICES)] == [
        "`debit` refuses",
        "`debit` is done, `credit` is done",
        "`credit` refuses, `debit` is undone",
    ]


def test_a_story_is_drawn_from_speaker_to_hearer() -> None:
    assert list(sequences.sequence(_reversal())) == [
        "sequenceDiagram",
        "  participant giro",
        "  participant savings",
        "  giro->>giro: transfer.ordered.v1",
        "  Note over giro: debit is done",
        "  giro->>savings: money.debited.v1",
        "  Note over savings: credit has refused",
        "  savings->>giro: credit.refused.v1",
        "  Note over giro: debit is undone",
        "  giro->>giro: debit.reversed.v1, and no step goes on from there",
    ]


def _reversal() -> Story:
    return stories(bank_transfer.SERVICES)[-1]
