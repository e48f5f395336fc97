"""Everything that `saga new` does, once it is asked for."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.new.errors import NameTaken, NotHere, Unfinished
from infra.new.facts import choose
from infra.new.names import check_name, check_words
from infra.new.participant import Participant
from infra.new.places import edited
from infra.new.rendering import rendered
from saga.installed import installed


def make(root: Path, name: str, hears: str, undone_by: Sequence[str], say: Callable[[str], None]) -> Participant:
    """Write the participant, its places elsewhere, and what is made from the code. Raises CannotMake."""
    if not (root / "compose.yaml").is_file():
        raise NotHere(Path.cwd(), None)
    if not Path.cwd().is_relative_to(root):
        raise NotHere(Path.cwd(), root)
    os.environ.pop("SAGA_SERVICES", None)  # it takes part with those of this checkout
    services = installed()
    check_name(name, root, services)
    participant = choose(services, name, hears, undone_by)
    check_words(participant)
    made, changed = dict(rendered(participant)), dict(edited(participant, root))
    for path in made:
        if (root / path).exists():
            raise NameTaken(name, f"{path} is there already")
    _write(root, made | changed)
    _tidy(root, [path for path in made if path.suffix == ".py"])
    for path in (*made, *changed):
        say(f"{path} is {'made' if path in made else 'changed'}")
    if subprocess.run(["make", "--no-print-directory", "generate"], cwd=root, check=False).returncode:
        raise Unfinished(name)
    return participant


def _write(root: Path, files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _tidy(root: Path, modules: Sequence[Path]) -> None:
    """In which order imports stand, and where lines end, depends on the name."""
    ruff = Path(sys.executable).with_name("ruff")
    for how in (("check", "--select=I", "--fix"), ("format",)):
        subprocess.run([ruff, *how, "--quiet", *modules], cwd=root, check=True)
