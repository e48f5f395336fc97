"""The tutorial's participant works as its page says: on real servers."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import pytest

from infra.local.servers import Servers
from saga.database import Queries
from saga.provisioning import DatabaseServer
from tests.conftest import deployed
from tests.docs.blocks import ROOT, Kind, blocks_of
from tests.docs.participant import assemble

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]

SHARED = """
import json, os
import pytest
from infra.local.servers import Servers

@pytest.fixture(scope="session")
def servers() -> Servers:
    return Servers(**json.loads(os.environ["SERVERS"]))
"""
"""Has the page's test use our servers."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Everything that the page holds, importable."""
    folder = tmp_path_factory.mktemp("loyalty")
    assemble(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder
        for name in [name for name in sys.modules if name.startswith("loyalty_service")]:
            patch.delitem(sys.modules, name)


@pytest.fixture
async def database(servers: Servers, folder: Path) -> AsyncIterator["Connection"]:
    """Its own, as its migrations make it."""
    assert folder.is_dir()
    service = import_module("loyalty_service.handlers").loyalty
    async with deployed(servers, [service]) as deployment:
        url = DatabaseServer(deployment.administrator.postgres).url_of(f"{deployment.prefix}{service.name}")
        connection = await asyncpg.connect(url)
        yield connection
        await connection.close()


def test_its_own_test_passes(servers: Servers, folder: Path) -> None:
    (folder / "conftest.py").write_text(SHARED, encoding="utf-8")
    tests = map(str, folder.glob("test_*.py"))
    paths = os.pathsep.join((str(folder), str(ROOT)))
    ran = subprocess.run(  # noqa: S603 — what the page says, in a folder of ours
        [sys.executable, "-m", "pytest", f"--config-file={ROOT / 'pyproject.toml'}", f"--rootdir={folder}", *tests],
        env={**os.environ, "PYTHONPATH": paths, "SERVERS": json.dumps(asdict(servers))},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, " passed" in ran.stdout) == (0, True), ran.stdout


async def test_every_statement_of_the_docs_can_be_prepared(database: "Connection", tmp_path: Path) -> None:
    """Those of its files, and those that pages show beside them; also what an operator types."""
    shown = [
        *blocks_of(Kind.STATEMENT),
        *(block for block in blocks_of(Kind.FILE) if block.file.endswith("queries.sql")),
    ]
    wrong = []
    for block in shown:
        for statement in statements(block.text, tmp_path / "shown.sql"):
            try:
                await database.prepare(statement)
            except asyncpg.PostgresError as error:
                wrong.append(f"{block}: {error}")
    assert wrong == []


def statements(text: str, file: Path) -> list[str]:
    if "-- name:" not in text:
        return [text]
    file.write_text(text, encoding="utf-8")
    found = Queries(file)
    return [getattr(found, name) for name in found]
