"""What draws the diagrams: Mermaid's own script, from npm's registry. Nothing of it is in the repository."""

import base64
import hashlib
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

VERSION = "12.3.0"
INTEGRITY = "4113TdXeLAsMruJ79OpFL5O8+LTFXhQqZ260rF3tgUmiNAtRm4Uume04I+65PRN6yZ69J4f8rVYWW8zRk65UYw=="
"""SHA-512 of the package, as `npm view mermaid@VERSION dist.integrity` tells it."""
SCRIPT = f"mermaid-{VERSION}.min.js"
PATIENCE = 100.0
"""Seconds for 26 MB."""


class NotToBeHad(Exception):
    def __init__(self, why: str) -> None:
        super().__init__(f"The diagrams need mermaid {VERSION} from npm: {why}")


def bring(folder: Path) -> None:
    """Have the script in this folder, from the registry if it isn't there. Raises NotToBeHad."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / SCRIPT
    if script.exists():
        return
    with TemporaryDirectory() as download:
        package = _pack(Path(download))
        found = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if found != INTEGRITY:
            raise NotToBeHad(f"what came has another hash, {found}")
        with tarfile.open(package) as archive:
            member = archive.extractfile("package/dist/mermaid.min.js")
            assert member is not None  # noqa: S101 — by its hash it is the package that has one
            script.write_bytes(member.read())


def _pack(folder: Path) -> Path:
    command = ["npm", "pack", "--silent", f"--pack-destination={folder}", f"mermaid@{VERSION}"]
    try:
        packed = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except FileNotFoundError:
        raise NotToBeHad("npm is not installed here") from None
    except subprocess.CalledProcessError as error:
        raise NotToBeHad(f"npm pack ended with {error.returncode}: {error.stderr.strip()}") from None
    except subprocess.TimeoutExpired:
        raise NotToBeHad(f"the registry has not answered within {PATIENCE:.0f} s") from None
    return folder / packed.stdout.strip()
