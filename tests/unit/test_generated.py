"""What is written about the code agrees with it."""

import json
import re
from pathlib import Path

import pytest

from events import Decoder, Delivery
from examples.__main__ import names, scenario
from infra.generate import DIALECT, ROOT, SCHEMAS, documents, spoken, stale
from saga.choreography import Choreography

PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "*_service/README.md", "infra/**/*.md")
    for page in ROOT.glob(pattern)
)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")
EXAMPLE = re.compile(r"^```json (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
DRAWN = re.compile(r"[\[{](\w[\w.: ]*)[\]}]")
PEOPLE = {"somebody shelves"}
EXAMPLES = EXAMPLE.findall((ROOT / "docs/events.md").read_text(encoding="utf-8"))


def test_generated_files_agree_with_the_code() -> None:
    """If this fails: make generate."""
    assert list(stale()) == []


def test_every_saga_has_its_choreography_its_stories_and_a_page_for_each_service() -> None:
    made = {path for path, _ in documents()}
    for name in names():
        folder = Path("examples", name)
        pages = {folder / service.name / "README.md" for service in scenario(name).services}
        assert made >= {folder / "choreography.md", folder / "stories.md"} | pages


@pytest.mark.parametrize("name", names())
def test_what_is_drawn_by_hand_is_there(name: str) -> None:
    """The README of a saga shows the most of it: no event and no step that isn't declared."""
    told = Choreography.of(scenario(name).services)
    known = {event_type.removesuffix(".v1") for event_type in told.types}
    known |= {f"{part.service}: {part.name}" for part in told.parts.values()} | {p.service for p in told.parts.values()}
    diagram = (ROOT / "examples" / name / "README.md").read_text(encoding="utf-8").partition("```mermaid")[2]
    drawn = set(DRAWN.findall(diagram.partition("```")[0]))
    assert len(drawn) > 5
    assert drawn - known <= PEOPLE


def test_a_schema_names_its_dialect_and_its_event() -> None:
    for event in spoken():
        schema = json.loads((ROOT / SCHEMAS / f"{event.event_type}.json").read_text(encoding="utf-8"))
        assert (schema["$schema"], schema["$id"]) == (DIALECT, f"{event.event_type}.json")
        assert schema["title"] == event.event_type
        assert schema["description"]


def test_every_event_has_an_example_in_the_contract() -> None:
    assert sorted(event_type for event_type, _ in EXAMPLES) == [event.event_type for event in spoken()]


@pytest.mark.parametrize(("event_type", "data"), EXAMPLES)
def test_an_example_in_the_contract_is_a_valid_event(event_type: str, data: str) -> None:
    envelope = Decoder(spoken()).decode(Delivery(type=event_type, body=data.encode()))
    assert json.loads(data) == envelope.data.model_dump(mode="json", exclude_none=True)


@pytest.mark.parametrize("file", sorted((ROOT / "docs/examples").glob("*.json")), ids=lambda file: file.name)
def test_a_sample_message_is_valid(file: Path) -> None:
    event_type = "order.cancelled.v1" if file.stem == "cancel" else "order.placed.v1"
    Decoder(spoken()).decode(Delivery(type=event_type, body=file.read_bytes()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
