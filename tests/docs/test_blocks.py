"""Nothing that stands in a code block of the docs is left to chance."""

import json
import re
from operator import itemgetter
from pathlib import Path

import jsonschema_rs
import pytest

from events import CONTENT_TYPE, Decoder, Delivery
from infra.generate import ROOT, SCHEMAS, spoken
from tests.docs.blocks import Block, Kind, blocks, blocks_of, pages, spans
from tests.docs.exempt import EXEMPT, SHOWN


def test_somebody_accounts_for_every_block() -> None:
    """If this fails: say in `blocks.py` what holds for the block, or in `exempt.py` why nothing does."""
    assert [str(block) for block in blocks() if block.kind is None] == []


def test_no_block_is_exempt_that_is_not_there() -> None:
    assert EXEMPT.keys() | SHOWN.keys() <= {(block.page, block.first_line) for block in blocks()}


def test_there_are_blocks_of_every_kind() -> None:
    """Else nobody would notice if they weren't found any more."""
    assert {block.kind for block in blocks()} == set(Kind)


def test_every_test_that_a_page_names_exists() -> None:
    named = {text for _, text in spans() if re.fullmatch(r"test_\w+", text)}
    written = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 30
    assert {name for name in named if f"def {name}(" not in written} == set()


def test_what_the_promises_find_somewhere_is_there() -> None:
    """A function, class or statement, in the file beside it."""
    page = Path("docs/promises.md")
    text = " ".join(pages()[str(page)].split())
    told = re.findall(r"((?:`[\w.]+`(?: and |, )?)+) in \[[^]]+\]\(([^)]+)\)", text)
    found = [(name.rpartition(".")[2], file) for names, file in told for name in re.findall(r"`([\w.]+)`", names)]
    assert len(found) > 10
    assert [(name, file) for name, file in found if name not in (ROOT / page.parent / file).read_text()] == []


@pytest.mark.parametrize("block", blocks_of(Kind.EVENT), ids=str)
def test_an_event_fits_its_published_schema(block: Block) -> None:
    """Its type stands behind the word json."""
    assert problems(block.info.split()[1], block.text) == []


@pytest.mark.parametrize("block", blocks_of(Kind.ENVELOPE), ids=str)
def test_a_whole_message_is_a_cloudevent_of_a_known_type(block: Block) -> None:
    event_type, data = itemgetter("type", "data")(json.loads(block.text))
    message = Delivery(event_type, block.text.encode(), CONTENT_TYPE)
    assert Decoder(spoken()).decode(message).type == event_type
    assert problems(event_type, json.dumps(data)) == []


def problems(event_type: str, data: str) -> list[str]:
    schema = json.loads((ROOT / SCHEMAS / f"{event_type}.json").read_text(encoding="utf-8"))
    errors = jsonschema_rs.validator_for(schema).iter_errors(json.loads(data))
    return [error.message for error in errors]
