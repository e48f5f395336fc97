"""The dashboards, as code; `make generate` writes them as JSON, which Grafana is given."""

import json
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from infra.grafana import runtime, sagas

FOLDER = Path("infra/grafana/dashboards")


def documents() -> Iterator[tuple[Path, str]]:
    """Each dashboard's file and what should stand in it."""
    for name, built in (("sagas", sagas.dashboard()), ("runtime", runtime.dashboard())):
        yield FOLDER / f"{name}.json", json.dumps(built, cls=JSONEncoder, sort_keys=True, indent=2) + "\n"
