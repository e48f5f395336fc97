"""The code blocks of the docs, and what each of them is held against."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

from tests.docs.exempt import EXEMPT, SHOWN

ROOT = Path(__file__).parents[2]
PAGES = ("*.md", "docs/*.md", "docs/reference/*.md", "examples/**/*.md", "*_service/*.md", "infra/**/*.md")
TUTORIAL = "docs/writing-a-participant.md"
README = "README.md"
CAPTION = re.compile(r"`([\w./…-]+\.(?:py|sql))`:?$")
"""The name of the file that a block holds: what the paragraph before it ends with."""
COMMAND = re.compile(
    r"(\w+\(\) \{|[A-Z_]+=\S+ |(\.venv/bin/)?(saga|make|python|curl|docker|export|pytest|rabbitmqctl|\.) )"
)


class Kind(StrEnum):
    """What a block is held against, which says the test that does so."""

    EVENT = "the schema of an event"
    ENVELOPE = "CloudEvents"
    DIAGRAM = "Mermaid, in a browser"
    FILE = "real servers, as a file of the tutorial's participant"
    STATEMENT = "a real database"
    QUOTED = "the code that it quotes"
    EXCERPT = "the types of what it uses"
    COMMANDS = "the commands that there are"
    OUTPUT = "what the command really prints"
    EXEMPT = "nothing, for a reason"


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    info: str
    text: str
    heading: str = ""
    caption: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def language(self) -> str:
        return self.info.partition(" ")[0]

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def file(self) -> str:
        """Which file it holds. A test needs no name to be one."""
        return self.caption or ("test_it.py" if "async def test_" in self.text else "")

    @property
    def kind(self) -> Kind | None:
        """The first that fits; None, if nobody accounts for it."""
        where, python = (self.page, self.first_line), self.language == "python"
        fitting = {
            Kind.EXEMPT: where in EXEMPT,
            Kind.OUTPUT: where in SHOWN,
            Kind.DIAGRAM: self.language == "mermaid",
            Kind.EVENT: self.language == "json" and self.info != "json",
            Kind.ENVELOPE: self.info == "json",
            Kind.FILE: self.page == TUTORIAL and self.file and (python or self.language == "sql"),
            Kind.STATEMENT: self.language == "sql",
            Kind.QUOTED: python and self.page.startswith("examples/"),
            Kind.EXCERPT: python,
            Kind.COMMANDS: not self.info and COMMAND.match(self.text),
        }
        return next((kind for kind, fits in fitting.items() if fits), None)


def pages() -> dict[str, str]:
    """All that people read, by its path in the repository."""
    files = sorted({file for pattern in PAGES for file in ROOT.glob(pattern)})
    return {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in files}


@cache
def blocks() -> tuple[Block, ...]:
    return tuple(_found())


def _found() -> Iterator[Block]:
    for page, text in pages().items():
        heading, before = "", ("", "")
        for token in MarkdownIt("commonmark").enable("table").parse(text):
            if token.type == "inline":
                before = before[0], token.content
                heading = token.content if before[0] == "heading_open" else heading
            elif token.type == "fence" and token.map:
                caption = CAPTION.search(before[1])
                yield Block(page, token.map[0] + 1, token.info, token.content, heading, caption[1] if caption else "")
                before = "", ""
            else:
                before = token.type, before[1]


def blocks_of(kind: Kind) -> list[Block]:
    return [block for block in blocks() if block.kind is kind]


def spans() -> Iterator[tuple[str, str]]:
    """The pieces of code within sentences, each with its page."""
    for page, text in pages().items():
        for token in MarkdownIt("commonmark").enable("table").parse(text):
            yield from ((page, part.content) for part in token.children or () if part.type == "code_inline")
