"""All that is made from the code, and which of it is stale."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from infra import asyncapi, grafana
from infra.generate import canvas, flow, reference, schemas
from saga import Service
from saga.checking import sequences
from saga.installed import installed, services_at

ROOT = Path(__file__).parents[2]
CONTRACT = Path("tests/contract/examples")


def stale() -> dict[Path, str | None]:
    """The files that differ from the code, with what should stand in them; None, if nothing should."""
    wanted = dict(documents())
    found = {path: text for path in wanted if (text := read(path)) is not None}
    left = {path.relative_to(ROOT) for path in (ROOT / schemas.SCHEMAS).glob("*.json")} - wanted.keys()
    return {path: text for path, text in wanted.items() if found.get(path) != text} | dict.fromkeys(sorted(left))


def documents() -> Iterator[tuple[Path, str]]:
    """Each file, from the project's root, and what should stand in it."""
    yield from schemas.documents()
    orders = shipped()
    yield Path("docs/asyncapi.json"), asyncapi.document(orders, contract())
    yield from pages(Path("docs"), orders)
    for example in examples():
        yield from pages(Path("examples", example), services(example))
    yield from reference.documents(orders)
    yield from grafana.documents()


def pages(folder: Path, told: Sequence[Service]) -> Iterator[tuple[Path, str]]:
    """Its choreography and its stories, in this folder, and a page for each service, in the service's own."""
    yield folder / "choreography.md", flow.page(told)
    yield folder / "stories.md", sequences.page(told)
    for service in told:
        path = Path(*service.package.split("."), "README.md")
        yield path, canvas.page(service, read(path) or "")


def shipped() -> list[Service]:
    """The services of this project, and none that somebody else has installed beside them."""
    return flow.in_order_of_hearing([service for service in installed() if (ROOT / service.package).is_dir()])


def examples() -> list[str]:
    return sorted(file.parent.name for file in ROOT.glob("examples/*/__init__.py"))


def services(example: str) -> list[Service]:
    """Those of an example, which is looked up by its name: it may import what is made here, and not the other way."""
    return flow.in_order_of_hearing(services_at(f"examples.{example}:SERVICES"))


def contract() -> dict[str, str]:
    """The public contract by example."""
    files = (ROOT / CONTRACT).glob("*.v1.json")
    return {file.name.removesuffix(".json"): file.read_text(encoding="utf-8") for file in files}


def read(path: Path) -> str | None:
    """What stands there now."""
    return (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else None
