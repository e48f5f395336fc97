"""A participant's own files, from templates that lie as their results will."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.new.participant import Participant

HERE = Path(__file__).parent
FOLDER = HERE / "template"
SUFFIX = ".jinja"


def rendered(participant: Participant) -> Iterator[tuple[Path, str]]:
    """Each file with what should stand in it. In paths, NAME is the participant's, and NOW a migration's number."""
    names = {"NAME": participant.name, "NOW": f"{datetime.now(UTC):%Y%m%d%H%M%S}"}
    for template in sorted(FOLDER.rglob(f"*{SUFFIX}")):
        path = template.relative_to(FOLDER).as_posix().removesuffix(SUFFIX)
        for word, meaning in names.items():
            path = path.replace(word, meaning)
        yield Path(path), render(template.relative_to(HERE).as_posix(), participant)


def render(template: str, participant: Participant, **more: object) -> str:
    hears, undone_by = participant.hears.__name__, [event.__name__ for event in participant.undone_by]
    told = {"participant": participant, "hears": hears, "undone_by": undone_by, "events": sorted({hears, *undone_by})}
    return _templates().get_template(template).render(told, **more)


@cache
def _templates() -> Environment:
    return Environment(  # noqa: S701 — what is made of it is no HTML
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
