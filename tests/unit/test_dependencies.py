"""What the auditor of the dependencies says, and what it means for the check."""

import json

import pytest

from infra.dependencies import judge

CLEAN = {"name": "kite", "version": "1.0", "vulns": []}
SKIPPED = {"name": "rope", "skip_reason": "Dependency not found on PyPI and could not be audited: rope (2.0)"}
TORN = {"name": "sail", "version": "3.1", "vulns": [{"id": "GHSA-1", "fix_versions": ["3.2", "4.0"], "aliases": []}]}


def report(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


@pytest.mark.parametrize("code", [0, 1])
def test_a_known_vulnerability_fails_the_check(code: int) -> None:
    """Whatever else was found or wasn't: it is named, with the versions that mend it."""
    verdict = judge(code, report(CLEAN, SKIPPED, TORN), "Found 1 known vulnerability in 1 package")
    assert (verdict.holds, verdict.text) == (
        False,
        "known vulnerabilities\n  sail 3.1: GHSA-1, mended in 3.2, 4.0",
    )


def test_none_known_passes_and_tells_how_many_were_asked_about() -> None:
    assert judge(0, report(CLEAN, CLEAN), "No known vulnerabilities found").text == (
        "2 audited, no known vulnerabilities"
    )
    assert judge(0, report(CLEAN, SKIPPED), "").text == (
        "1 audited, no known vulnerabilities; unknown to the database: rope"
    )


@pytest.mark.parametrize(
    ("code", "output", "errors"),
    [
        (0, report(SKIPPED, SKIPPED), "No known vulnerabilities found"),
        (
            1,
            "",
            "Traceback …\nrequests.exceptions.ConnectionError: HTTPSConnectionPool(host='x'): Max retries exceeded",
        ),
        (1, "", "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='x', port=443): Read timed out."),
        (1, "", "Traceback …\npip_audit._service.interface.ServiceError"),
        (1, "", "ERROR:pip_audit._cli:Could not connect\nERROR:pip_audit._cli:Tip: your network may be blocking this"),
    ],
    ids=["knows nothing", "unreachable", "slow", "a server's error", "blocked"],
)
def test_a_database_that_cannot_be_asked_is_told_in_one_line_and_passes(code: int, output: str, errors: str) -> None:
    verdict = judge(code, output, errors)
    assert (verdict.holds, verdict.text.startswith("not audited: "), verdict.text.count("\n")) == (True, True, 0)


@pytest.mark.parametrize(
    ("code", "output", "errors"),
    [
        (1, "", "ERROR:pip_audit._cli:invalid requirements input: requirements/runtime.txt"),
        (1, "", "Traceback …\nModuleNotFoundError: No module named 'pip_audit'"),
        (2, "", "pip-audit: error: unrecognized arguments: --nonsense"),
        (1, "", ""),
        (0, "no JSON", ""),
        (1, report(CLEAN), ""),
    ],
    ids=["requirements", "import", "arguments", "silence", "no report", "a code without a reason"],
)
def test_an_audit_that_did_not_work_fails_the_check(code: int, output: str, errors: str) -> None:
    """Else it would pass for ever, unseen."""
    assert not judge(code, output, errors).holds
