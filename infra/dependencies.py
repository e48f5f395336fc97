"""Known vulnerabilities of what is shipped: `python -m infra.dependencies`, run by `make check`.

A vulnerability fails the check. A database of vulnerabilities that can't be reached doesn't: it is told in one line,
since nobody's network is our code's fault.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCKED = Path(__file__).parent.parent / "requirements" / "runtime.txt"
PATIENCE = 90.0
"""Seconds for all packages; 5 for one answer."""
_AWAY = ("requests.exceptions.", "pip_audit._service.interface.", "ERROR:pip_audit._cli:Tip: your network")
"""How a line begins when the database, and not the question, was the trouble: no answer, or a server's error."""


@dataclass(frozen=True, slots=True)
class Verdict:
    holds: bool
    text: str


def main() -> int:
    verdict = audit(LOCKED)
    print(f"dependencies: {verdict.text}")
    return 0 if verdict.holds else 1


def audit(requirements: Path) -> Verdict:
    """Ask the database about each locked version; nothing is installed or resolved."""
    how = ("--disable-pip", "--require-hashes", "--timeout=5", "--progress-spinner=off", "--format=json")
    command = [str(Path(sys.executable).with_name("pip-audit")), *how, f"--requirement={requirements}"]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return _not_audited(f"the database has not answered within {PATIENCE:.0f} s")
    return judge(ended.returncode, ended.stdout, ended.stderr)


def judge(code: int, output: str, errors: str) -> Verdict:
    """What the auditor's exit code and words mean: its report counts, and without one, why there is none."""
    try:
        report = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        said = errors.strip().splitlines() or ["it said nothing"]
        away = [line for line in said if line.startswith(_AWAY)]
        return _not_audited(away[-1][:200]) if away else Verdict(holds=False, text=f"no audit: {said[-1]}")
    audited = [package for package in report if "skip_reason" not in package]
    vulnerable = [_told(package, known) for package in audited for known in package["vulns"]]
    if vulnerable:
        return Verdict(holds=False, text="\n  ".join(["known vulnerabilities", *vulnerable]))
    if code:
        return Verdict(holds=False, text=f"the audit ended with {code}")
    if not audited:
        return _not_audited(f"the database that can be reached here knows none of {len(report)} packages")
    unknown = [package["name"] for package in report if package not in audited]
    also = f"; unknown to the database: {', '.join(unknown)}" if unknown else ""
    return Verdict(holds=True, text=f"{len(audited)} audited, no known vulnerabilities{also}")


def _told(package: dict[str, Any], known: dict[str, Any]) -> str:
    mended = ", ".join(known.get("fix_versions", ())) or "no version yet"
    return f"{package['name']} {package['version']}: {known['id']}, mended in {mended}"


def _not_audited(why: str) -> Verdict:
    return Verdict(holds=True, text=f"not audited: {why}")


if __name__ == "__main__":
    sys.exit(main())
