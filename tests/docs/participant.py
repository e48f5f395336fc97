"""The tutorial's participant, as a reader has it at the end of the page."""

from pathlib import Path

from tests.docs.blocks import Kind, blocks_of

SOME_TIME = "20261201000000"
"""In the name of a migration, which says when it was made."""
LEFT_ALONE = {
    "loyalty_service/__init__.py": "",
    "loyalty_service/settings.py": """
from saga import Settings

LoyaltySettings = Settings.of("loyalty")
""",
}
"""What the page may leave as it is made for everybody."""


def assemble(folder: Path) -> list[Path]:
    """Write all files that the page holds, each under the name that stands above it; the Python ones."""
    files = LEFT_ALONE | {block.file.replace("…", SOME_TIME): block.text for block in blocks_of(Kind.FILE)}
    for name, text in files.items():
        path = folder / (name if name.startswith("loyalty_service/") else Path(name).name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return sorted(folder.rglob("*.py"))
