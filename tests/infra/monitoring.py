"""What the alerts and the dashboards ask of Prometheus, and what of it there is."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import promql_parser as promql
import yaml
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

ROOT: Final = Path(__file__).parents[2]
ALERTS: Final = ROOT / "infra/prometheus/alerts.yml"
CASES: Final = ALERTS.with_name("alerts.test.yml")
SETTINGS: Final = ALERTS.with_name("prometheus.yml")
DASHBOARDS: Final = ROOT / "infra/grafana/dashboards"

TARGET: Final = frozenset({"job", "instance"})
"""What Prometheus itself adds to every series."""
ITS_OWN: Final = {"up": TARGET, "ALERTS": TARGET | {"alertname", "alertstate", "severity", "service"}}
"""Series of Prometheus's own making."""
SAMPLES: Final = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "summary": ("", "_count", "_sum", "_created"),
}
"""How the samples of a metric are called; of other types, as itself."""
CHOICES: Final = re.compile(r"\$(?!__)\w+|\$\{\w+\}")

Known = Mapping[str, frozenset[str]]
"""The labels of each series that there is, by its name."""
Rules = list[dict[str, Any]]


@dataclass(frozen=True)
class Question:
    """An expression, and the labels that are taken from its answer to be shown."""

    where: str
    asks: str
    shows: frozenset[str] = frozenset()

    @property
    def parsed(self) -> promql.Expr:
        """As Prometheus is asked it, which knows nothing of Grafana's variables."""
        return promql.parse(CHOICES.sub(".+", self.asks.replace("$__rate_interval", "1m")))

    def unanswerable(self, known: Known) -> list[str]:
        """What it asks for that there isn't: series, and labels of series."""
        wrong = [f"{self.where}: {problem}" for problem in problems(self.parsed, known)]
        missing = [] if wrong else sorted(self.shows - answered(self.parsed, known) - TARGET)
        return wrong + [f"{self.where}: shows the label {label}, and its answer has none" for label in missing]


def questions() -> list[Question]:
    return [*_of_rules(), *_of_dashboards()]


def _of_rules() -> Iterator[Question]:
    for rule in rules():
        name = rule.get("alert") or rule["record"]
        told = json.dumps([rule.get("annotations"), rule.get("labels")])
        yield Question(name, rule["expr"], frozenset(re.findall(r"\$labels\.(\w+)", told)))


def _of_dashboards() -> Iterator[Question]:
    for path, board in dashboards().items():
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                shows = frozenset(re.findall(r"{{(\w+)}}", target["legendFormat"]))
                yield Question(f"{path.stem}/{panel['title']}", target["expr"], shows)
        for variable in board["templating"]["list"]:
            found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"])
            assert found, variable
            yield Question(f"{path.stem}/${variable['name']}", found[1], frozenset({found[2]}))


def rules() -> Rules:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def alerts() -> Rules:
    return [rule for rule in rules() if "alert" in rule]


def dashboards() -> dict[Path, dict[str, Any]]:
    return {path: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def told(text: str) -> dict[str, frozenset[str]]:
    """What a target tells: also what has no sample yet, as long as its type is told."""
    known: dict[str, frozenset[str]] = {}
    for family in text_string_to_metric_families(text):
        for suffix in SAMPLES.get(family.type, ("",)):
            known.setdefault(family.name + suffix, frozenset())
        for sample in family.samples:
            known[sample.name] = known.get(sample.name, frozenset()) | sample.labels.keys()
    return known


def declared(module: ModuleType) -> dict[str, frozenset[str]]:
    """The same, of the metrics that a module defines."""
    known: dict[str, frozenset[str]] = {}
    for metric in vars(module).values():
        if isinstance(metric, MetricWrapperBase):
            for family in metric.describe():
                for suffix in SAMPLES.get(family.type, ("",)):
                    also = {"le"} if suffix == "_bucket" else set()
                    known[family.name + suffix] = frozenset(metric._labelnames) | also
    return known


def recorded(known: Known) -> dict[str, frozenset[str]]:
    """What Prometheus records by our rules, each of which may build on those before it."""
    found: dict[str, frozenset[str]] = {}
    for rule in rules():
        if "record" in rule:
            found[rule["record"]] = answered(promql.parse(rule["expr"]), {**known, **found})
    return found


def together(*parts: Known) -> dict[str, frozenset[str]]:
    names = {name for part in parts for name in part}
    return {name: frozenset[str]().union(*(part.get(name, ()) for part in parts)) for name in names}


def problems(asked: promql.Expr, known: Known) -> Iterator[str]:
    """Series that there aren't, and labels that those that are asked don't have."""
    for selector in selectors(asked):
        name = selector.name or ""
        if name not in known:
            yield f"there is no {name}"
            continue
        for matcher in selector.matchers.matchers:
            if matcher.name not in known[name] | TARGET:
                yield f"{name} has no label {matcher.name}"
    for part in parts(asked):
        if isinstance(part, promql.AggregateExpr) and part.modifier:
            wanted = set(part.modifier.labels)
            have = {label for selector in selectors(part.expr) for label in known.get(selector.name or "", ())}
            yield from (f"nothing to group by {label}" for label in sorted(wanted - have - TARGET))


def answered(asked: promql.Expr, known: Known) -> frozenset[str]:
    """The labels of its answer."""
    labels: Iterable[str] = ()
    match asked:
        case promql.AggregateExpr():
            labels = asked.modifier.labels if asked.modifier else ()
        case promql.BinaryExpr():
            labels = answered(asked.rhs if isinstance(asked.lhs, promql.NumberLiteral) else asked.lhs, known)
        case promql.ParenExpr():
            labels = answered(asked.expr, known)
        case promql.MatrixSelector():
            labels = answered(asked.vector_selector, known)
        case promql.VectorSelector():
            labels = known.get(asked.name or "", frozenset()) | TARGET
        case promql.Call():
            inner = (part for part in asked.args if not isinstance(part, promql.NumberLiteral | promql.StringLiteral))
            labels = frozenset[str]().union(*(answered(part, known) for part in inner))
            labels -= {"le"} if asked.func.name == "histogram_quantile" else set()
    return frozenset(labels)


def parts(asked: promql.Expr) -> list[promql.Expr]:
    found: list[promql.Expr] = []
    promql.walk(asked, found.append)
    return found


def selectors(asked: promql.Expr) -> Iterable[promql.VectorSelector]:
    found = {}
    for part in parts(asked):
        selector = part.vector_selector if isinstance(part, promql.MatrixSelector) else part
        if isinstance(selector, promql.VectorSelector):
            found[str(selector)] = selector
    return found.values()
