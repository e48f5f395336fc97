"""Alert rules, dashboards and their settings, as the programs that read them judge them."""

import json
import re
import shutil
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from saga import metrics as runtime
from tests.compose.stack import ROOT, docker, why_not
from tests.infra.monitoring import ALERTS, CASES, ITS_OWN, SETTINGS, Question, alerts, dashboards, declared, questions

RUNBOOK = ROOT / "docs/operations.md"
MONITORS = {"prometheus", "alertmanager", "grafana", "jaeger"}
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What Debian's packages `prometheus` and `prometheus-alertmanager` have to say."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"there is no {program} here: on Debian it comes with the package of its server")
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 — ours


def test_prometheus_takes_its_settings_and_its_rules() -> None:
    done = run("promtool", "check", "config", SETTINGS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_takes_its_settings() -> None:
    settings = ROOT / "infra/alertmanager/alertmanager.yml"
    done = run("amtool", "check-config", settings)
    assert done.returncode == 0, done.stdout + done.stderr
    for severity, receiver in (("critical", "at once"), ("warning", "in working hours")):
        routed = run("amtool", "config", "routes", "test", f"--config.file={settings}", f"severity={severity}")
        assert routed.stdout.strip() == receiver


def test_what_silences_an_alert_is_an_alert() -> None:
    """A rule that names one that isn't there silences nothing."""
    settings = yaml.safe_load((ROOT / "infra/alertmanager/alertmanager.yml").read_text())
    named = {
        name
        for rule in settings["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
        for name in re.findall(r"[A-Z]\w+", matcher)
    }
    assert named <= {rule["alert"] for rule in alerts()}


def test_each_alert_fires_and_is_silent_when_it_should() -> None:
    done = run("promtool", "test", "rules", CASES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", [rule["alert"] for rule in alerts()])
def test_an_alert_that_never_fired_would_be_noticed(alert: str, tmp_path: Path) -> None:
    assert not passes(tmp_path, alert, {"expr": "vector(0) > 0"})


@pytest.mark.parametrize("alert", [rule["alert"] for rule in alerts()])
def test_an_alert_that_always_fired_would_be_noticed(alert: str, tmp_path: Path) -> None:
    """By the cases in which it should be silent, whatever those say in which it should fire."""
    assert not passes(tmp_path, alert, {"expr": "vector(1)", "for": "0s"}, only_silent=True)


def passes(folder: Path, alert: str, changes: dict[str, Any], *, only_silent: bool = False) -> bool:
    """Whether the alert's unit tests pass with such a rule in its place."""
    cases = deepcopy(yaml.safe_load(CASES.read_text()))
    for case in cases["tests"]:
        case["promql_expr_test"] = [
            one
            for one in case["promql_expr_test"]
            if f'alertname="{alert}"' in one["expr"] and not (only_silent and one.get("exp_samples"))
        ]
    cases["tests"] = [case for case in cases["tests"] if case["promql_expr_test"]]
    changed = yaml.safe_load(ALERTS.read_text())
    for rule in (rule for group in changed["groups"] for rule in group["rules"]):
        if rule.get("alert") == alert:
            rule.update(changes)
    (folder / ALERTS.name).write_text(yaml.safe_dump(changed))
    (folder / CASES.name).write_text(yaml.safe_dump(cases))
    done = run("promtool", "test", "rules", folder / CASES.name)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    """Its runbook is a section that there is, named as it."""
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = {heading.lower().replace(" ", "-") for heading in HEADING.findall(RUNBOOK.read_text())}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert (ROOT / page, anchor) == (RUNBOOK, rule["alert"].lower())
    assert anchor in headings
    assert rule["annotations"]["summary"]
    assert len(rule["annotations"]["description"]) > 50


def test_what_asks_for_something_that_there_is_not_is_found() -> None:
    """A misspelt series, a label that it doesn't have, one to group by, and one to show."""
    known = declared(runtime) | ITS_OWN
    right = Question("here", 'sum by (service) (rate(saga_calls_total{outcome="unknown"}[5m]))', frozenset({"service"}))
    assert right.unanswerable(known) == []
    for wrong, what in (
        (Question("here", "max(saga_outbox_age)"), "there is no saga_outbox_age"),
        (Question("here", "rate(saga_calls[5m])"), "there is no saga_calls"),
        (Question("here", 'saga_calls_total{result="unknown"}'), "saga_calls_total has no label result"),
        (Question("here", "sum by (step) (saga_calls_total)"), "nothing to group by step"),
        (
            Question("here", "sum by (call) (saga_calls_total)", frozenset({"service"})),
            "shows the label service, and its answer has none",
        ),
    ):
        assert wrong.unanswerable(known) == [f"here: {what}"]


def test_a_dashboard_asks_the_data_sources_that_there_are() -> None:
    """And each panel something, on a place of its own."""
    sources = yaml.safe_load((ROOT / "infra/grafana/datasources.yml").read_text())["datasources"]
    for board in dashboards().values():
        panels = [panel for panel in board["panels"] if panel["type"] != "row"]
        asked = {target["datasource"]["uid"] for panel in panels for target in panel["targets"]}
        assert asked <= {source["uid"] for source in sources}
        taken = [
            (x, y)
            for at in (panel["gridPos"] for panel in board["panels"])
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        ]
        assert len(taken) == len(set(taken))
        assert {x for x, _ in taken} <= set(range(24))
    assert len(questions()) > 60


def test_monitoring_is_started_when_asked_for_and_shut_off_from_outside() -> None:
    """With the profile `observability`: read-only, without capabilities, at the loopback interface."""
    if reason := why_not(("compose", "version")):
        pytest.skip(reason)
    assert MONITORS.isdisjoint(composed())
    told = composed("--profile", "observability")
    for name in MONITORS:
        service = told[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert {port["host_ip"] for port in service["ports"]} == {"127.0.0.1"}
        assert all(Path(told_file).exists() for told_file in service["files"])


def composed(*options: str) -> dict[str, Any]:
    """The services that Compose would start."""
    done = docker("compose", "--env-file=/dev/null", *options, "config", "--format=json")
    assert done.returncode == 0, done.stdout
    config = json.loads(done.stdout)
    for service in config["services"].values():
        service["files"] = [config["configs"][used["source"]]["file"] for used in service.get("configs", ())]
    services: dict[str, Any] = config["services"]
    return services
