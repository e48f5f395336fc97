"""What `saga new` makes passes every check at once, and its test on real servers."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from infra.local.servers import Servers
from tests.conftest import GIVEN

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
TUTORIAL = ROOT / "docs/writing-a-participant.md"
WHOLE_FILE = re.compile(r"^`((?:loyalty_service|tests)/\S+)`\n\n```\w+\n(.*?)^```", re.DOTALL | re.MULTILINE)
NAME = "sextant"
"""Nobody has given it to a participant here."""


@dataclass
class Checkout:
    """A copy of this one with an environment of its own, in which everything is installed that is installed here."""

    root: Path
    servers: Servers

    def run(self, *command: str) -> str:
        """What it says; it has to succeed."""
        told = {**os.environ, GIVEN: json.dumps(asdict(self.servers))}
        done = subprocess.run(  # noqa: S603 — only this module says what to run
            command, cwd=self.root, env=told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
        return done.stdout

    def python(self, *arguments: str) -> str:
        return self.run(".venv/bin/python", *arguments)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, servers: Servers) -> Checkout:
    root = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 — git is where PATH says
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.split("\0")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    _borrow(root / ".venv")
    made = Checkout(root, servers)
    made.run("make", "install")
    return made


def _borrow(environment: Path) -> None:
    """Make an environment with what is installed in ours, but for the project itself; nothing is fetched."""
    venv.create(environment, symlinks=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(f"{next(BIN.parent.glob('lib/python*/site-packages'))}\n")
    for tool in ("uv", "ruff", "dbmate"):
        (environment / "bin" / tool).symlink_to(BIN / tool)
    (environment / ".requirements").touch()


@pytest.fixture(scope="module")
def made(checkout: Checkout) -> list[str]:
    """The modules and tests that were made."""
    said = checkout.run(".venv/bin/saga", "new", NAME)
    return [line.removesuffix(" is made") for line in said.splitlines() if line.endswith(".py is made")]


def test_what_is_made_passes_every_check_and_its_own_tests(checkout: Checkout, made: list[str]) -> None:
    expect_sound(checkout, made)
    assert NAME in checkout.run(".venv/bin/saga", "check", "--schemas", "docs/schemas")
    checkout.python("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")
    checkout.python("-m", "infra.generate", "--check")
    checkout.python("-m", "infra.site", "--check")


def test_what_the_tutorial_makes_of_it_does_so_too(checkout: Checkout, made: list[str]) -> None:
    """With another name."""
    written = WHOLE_FILE.findall(TUTORIAL.read_text(encoding="utf-8"))
    assert len(written) == 5
    for path, text in written:
        (file,) = checkout.root.glob(path.replace("loyalty", NAME).replace("…", "*"))
        file.write_text(text.replace("loyalty", NAME).replace("Loyalty", NAME.capitalize()), encoding="utf-8")
    checkout.run("make", "generate")
    checkout.run(".venv/bin/ruff", "check", "--fix", "--select=I", *made)  # the name decides where imports stand
    expect_sound(checkout, made)


def expect_sound(checkout: Checkout, made: list[str]) -> None:
    checkout.run(".venv/bin/ruff", "check", *made)
    checkout.run(".venv/bin/ruff", "format", "--check", *made)
    checkout.python("-m", "mypy", *made)
    assert "2 passed" in checkout.python("-m", "pytest", "-q", *(path for path in made if path.startswith("tests/")))
