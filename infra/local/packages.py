"""Install the servers' packages on Debian and Ubuntu, without starting the system's own servers."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from infra.local.errors import ServersUnavailable

POLICY = Path("/usr/sbin/policy-rc.d")  # asked by package scripts before they start a service; 101 says no
NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/no-main-cluster.conf")
LAST_LINES = 10


def why_not() -> str:
    """Why packages cannot be installed; empty where they can."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        return "this is not Debian or Ubuntu, whose packages could be installed"
    return "" if os.geteuid() == 0 else "only root can install packages"


def install(packages: Sequence[str], say: Callable[[str], None]) -> None:
    """The packages are there afterwards; no service of theirs runs, now or after the next boot."""
    say(f"Installing {' and '.join(packages)} with apt-get …")
    # The policy binds only as long as we live: a leftover would keep every service of the machine from starting.
    policy = f"#!/bin/sh\nkill -0 {os.getpid()} 2>/dev/null || exit 0\nexit 101\n"
    with _file(POLICY, policy, 0o755), _file(NO_CLUSTER, "create_main_cluster = false\n", 0o644):
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", *packages)
    if shutil.which("systemctl"):  # services and packages have the same names
        subprocess.run(["systemctl", "disable", "--quiet", *packages], check=False, capture_output=True)


@contextlib.contextmanager
def _file(path: Path, text: str, mode: int) -> Iterator[None]:
    """The file holds this text within the block, and is what it was before afterwards."""
    aside = path.with_name(f".{path.name}.aside")
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
    try:
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        yield
    finally:
        path.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            aside.rename(path)
        for folder in missing:
            with contextlib.suppress(OSError):  # the packages put something in
                folder.rmdir()


def _apt_get(*arguments: str) -> None:
    options = ("-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Options::=--force-confold")
    with tempfile.TemporaryFile("w+", errors="replace") as told:
        child = subprocess.Popen(
            ["apt-get", "-q", *options, *arguments],
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = child.wait()
        except BaseException:
            child.wait()  # whoever interrupts us still wants whole packages
            raise
        if code != 0:
            told.seek(0)
            words = "\n".join(told.read().strip().splitlines()[-LAST_LINES:])
            raise ServersUnavailable(f"apt-get {arguments[0]} failed. Its last words:\n{words}")
