"""No secret is in the image: not in a layer, were it only to be deleted in the next one, and not in its history."""

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path, PurePath

import pytest

from tests.compose.stack import PATIENCE, Stack, docker

pytestmark = pytest.mark.timeout(PATIENCE + 120)

IMAGE = "choreographed-saga:dev"
KEEPS_SECRETS = {".env", ".git", ".run", ".netrc", ".pypirc", ".pgpass", "pip.conf", ".ssh", ".docker", "secrets"}
"""Names of files and folders of a developer's that no image has any use for."""


def test_no_layer_holds_a_secret(stack: Stack, tmp_path: Path) -> None:
    """What Compose was told when it built it, nor a developer's files. Passwords that the README tells are none."""
    saved = save(IMAGE, tmp_path)
    assert found(saved, {stack.admin_password, stack.api_secret}) == []
    assert len(list(contents(saved))) > 1000


def test_a_secret_that_was_deleted_again_is_found(stack: Stack, tmp_path: Path) -> None:
    """Else the test above might pass whatever the image holds."""
    recipe = f"FROM {IMAGE}\nUSER 0\nENV TOLD=planted-1\nRUN echo planted-2 > /a && mkdir /.run\nRUN rm -r /a /.run\n"
    with built(recipe, f"{stack.project}-planted") as image:
        places = found(save(image, tmp_path), {"planted-1", "planted-2"})
    assert {PurePath(place).name for place in places} >= {"a", ".run"}
    assert any(place.endswith(".json") or "blobs" in place for place in places), "not found in the history"


def save(image: str, folder: Path) -> Path:
    saved = folder / "image.tar"
    done = docker("save", "--output", str(saved), image)
    assert done.returncode == 0, done.stdout
    return saved


def found(saved: Path, secrets: set[str]) -> list[str]:
    """Where something is that should not be."""
    return [
        name
        for name, content in contents(saved)
        if PurePath(name).name in KEEPS_SECRETS or any(secret.encode() in content for secret in secrets)
    ]


def contents(saved: Path) -> Iterator[tuple[str, bytes]]:
    """Every file and folder of every layer, and what tells of them: the history, and what containers are told."""
    with tarfile.open(saved) as archive:
        for name, content in _members(archive):
            if tarfile.is_tarfile(BytesIO(content)):
                with tarfile.open(fileobj=BytesIO(content)) as layer:
                    yield from _members(layer)
            else:
                yield name, content


def _members(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for member in archive:
        file = archive.extractfile(member) if member.isfile() else None
        yield member.name, file.read() if file else b""


@contextmanager
def built(recipe: str, name: str) -> Iterator[str]:
    build = ["docker", "build", "--quiet", "--tag", name, "-"]
    subprocess.run(build, input=recipe, text=True, timeout=PATIENCE, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 — only this module says what to run
    try:
        yield name
    finally:
        docker("rmi", "--force", name)
