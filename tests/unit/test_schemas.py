"""An event keeps its version as long as messages and readers of before still do."""

import json
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from saga.checking import incompatible, outgrown
from tests.builders import stock_reserved


class Place(BaseModel):
    city: str
    floor: int = 0


class Before(BaseModel):
    name: Annotated[str, Field(max_length=20)]
    mood: Literal["calm", "cross"] = "calm"
    place: Place
    others: tuple[Place, ...] = ()
    age: int | None = None


class Documented(Before):
    name: Annotated[str, Field(max_length=20, description="as on the door")]


class WithMore(Before):
    nickname: str = ""


class WithMoreToTell(Before):
    nickname: str


class WithLess(BaseModel):
    name: Annotated[str, Field(max_length=20)]
    mood: Literal["calm", "cross"] = "calm"
    others: tuple[Place, ...] = ()
    age: int | None = None


class Shorter(Before):
    name: Annotated[str, Field(max_length=10)]


class Moodier(Before):
    mood: Literal["calm", "cross", "sad"] = "calm"  # type: ignore[assignment] # which is the point


class Older(Before):
    age: str | None = None  # type: ignore[assignment] # see above


class Floorless(BaseModel):
    city: str
    floor: int


class Elsewhere(Before):
    place: Floorless  # type: ignore[assignment] # see above
    others: tuple[Floorless, ...] = ()  # type: ignore[assignment] # see above


def changes(after: type[BaseModel]) -> list[str]:
    return list(incompatible(Before.model_json_schema(), after.model_json_schema()))


@pytest.mark.parametrize("after", [Before, Documented, WithMore])
def test_words_and_optional_fields_may_change(after: type[BaseModel]) -> None:
    assert changes(after) == []


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (WithMoreToTell, ["nickname is required now, and messages of before may not have it"]),
        (WithLess, ["place is gone, and readers of before need it"]),
        (Shorter, ["name: maxLength was 20 and is 10"]),
        (Moodier, ["mood: enum now has sad"]),
        (Older, ["age: type was integer and is string"]),
        (
            Elsewhere,
            [
                "others[].floor is required now, and messages of before may not have it",
                "place.floor is required now, and messages of before may not have it",
            ],
        ),
    ],
)
def test_what_does_not_go_within_a_version_is_named(after: type[BaseModel], told: list[str]) -> None:
    assert changes(after) == told


def test_an_event_is_held_against_its_published_schema(tmp_path: Path) -> None:
    event = type(stock_reserved())
    published = event.model_json_schema()
    path = tmp_path / "stock.reserved.v1.json"
    path.write_text(json.dumps(published))
    assert list(outgrown([event], tmp_path)) == []
    path.write_text(json.dumps(published | {"required": [*published["required"], "colour"]}))
    (finding,) = outgrown([event], tmp_path)
    assert finding.problem == f"stock.reserved.v1 isn't what it was in {path}: it needs a new version"
    assert finding.trace == ["colour is gone, and readers of before need it"]


def test_an_event_that_was_never_published_may_be_anything(tmp_path: Path) -> None:
    assert list(outgrown([type(stock_reserved())], tmp_path)) == []
