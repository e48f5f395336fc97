"""The places outside its folder that have to name a participant; everything else in those files stays as it is."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tomlkit
import yaml

from infra.new.participant import Participant
from infra.new.rendering import render

PORT = re.compile(r"_PORT:-(\d+)\}:8000")
LAST = "observer"
"""The service before which others stand."""


def edited(participant: Participant, root: Path) -> Iterator[tuple[Path, str]]:
    """Each file with what should stand in it."""
    for name, edit in (
        ("pyproject.toml", _declared),
        ("compose.yaml", _composed),
        ("infra/prometheus/prometheus.yml", _scraped),
    ):
        yield Path(name), edit((root / name).read_text(encoding="utf-8"), participant)


def composed(compose: str) -> set[str]:
    """The containers of a Compose file."""
    return {key.value for key, _ in _find(compose, "services").value}


def _declared(text: str, participant: Participant) -> str:
    """An entry point; import-linter wants to know all packages, and who must not import whom."""
    project: Any = tomlkit.parse(text)
    name, package, last = participant.name, participant.package, f"{LAST}_service"
    project["project"]["entry-points"]["saga.services"][name] = f"{package}.handlers:{name}"
    linter = project["tool"]["importlinter"]
    linter["root_packages"].insert(linter["root_packages"].index(last), package)
    for layers in (contract["layers"] for contract in linter["contracts"] if "layers" in contract):
        (services,) = (number for number, layer in enumerate(layers) if last in layer)
        layers[services] = layers[services].replace(last, f"{package} | {last}")
    return tomlkit.dumps(project)


def _composed(text: str, participant: Participant) -> str:
    """A password for who provisions, the container, and where the observer finds it."""
    name, upper = participant.name, participant.name.upper()
    port = max(int(port) for port in PORT.findall(text)) + 1
    password = f"SAGA_PASSWORD_{upper}: ${{SAGA_PASSWORD_{upper}:-development-{name}}}\n      "
    text = _before(text, password, "services", "provision", "environment", "SAGA_PASSWORD_PUBLISHER")
    container = render("compose.yaml.jinja", participant, port=port)
    text = _before(text, f"{container.strip()}\n\n  ", "services", LAST)
    addresses = _find(text, "services", LAST, "environment", "OBSERVER_SERVICES")
    end = text.rindex("}", addresses.start_mark.index, addresses.end_mark.index)
    return f'{text[:end]},\n        "{name}": "http://{name}:8000"{text[end:]}'


def _scraped(text: str, participant: Participant) -> str:
    """Where Prometheus finds its metrics."""
    (job,) = (job for job in _find(text, "scrape_configs").value if _value(job, "job_name").value == "services")
    (targets,) = (_value(group, "targets") for group in _value(job, "static_configs").value)
    start = targets.value[-1].start_mark.index
    return f'{text[:start]}"{participant.name}:8000", {text[start:]}'


def _before(text: str, new: str, *path: str) -> str:
    """With something new before the last key of the path."""
    *parents, last = path
    (start,) = (key.start_mark.index for key, _ in _find(text, *parents).value if key.value == last)
    return f"{text[:start]}{new}{text[start:]}"


def _find(text: str, *path: str) -> Any:
    """The node at the end of the path; PyYAML knows where in the text it begins and ends."""
    node: Any = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for name in path:
        node = _value(node, name)
    return node


def _value(node: Any, name: str) -> Any:
    mapping: Mapping[str, Any] = {key.value: value for key, value in node.value}
    return mapping[name]
