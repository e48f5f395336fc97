"""The few kinds of panel that the dashboards are made of, each told its queries with their legends."""

from collections.abc import Mapping
from string import ascii_uppercase

from grafana_foundation_sdk.builders import common, heatmap, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, QueryVariable, Row, ThresholdsConfig
from grafana_foundation_sdk.models.common import BigValueGraphMode, StackingMode, TooltipDisplayMode, VisibilityMode
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
"""As it is called in datasources.yml."""
WIDTH = 24
"""A dashboard's columns."""

Panel = timeseries.Panel | stat.Panel | heatmap.Panel | statetimeline.Panel
Queries = Mapping[str, str]
"""PromQL by its legend."""


def board(uid: str, title: str, description: str) -> Dashboard:
    """An empty dashboard that lives on."""
    empty = Dashboard(title).uid(uid).description(description).tags(["saga"]).readonly()
    return empty.time("now-1h", "now").refresh("10s").timezone("browser").tooltip(DashboardCursorSync.CROSSHAIR)


def row(on: Dashboard, title: str, *panels: Panel, height: int = 8) -> None:
    """Panels side by side that share the width, under a title."""
    on.with_row(Row(title))
    for panel in panels:
        on.with_panel(panel.span(WIDTH // len(panels)).height(height))


def choice(name: str, label: str, values: str) -> QueryVariable:
    """What one may narrow the dashboard to: some, or all."""
    asked = QueryVariable(name).label(label).query(values).datasource(PROMETHEUS)
    return asked.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).multi(multi=True).include_all(include_all=True)


def graph(title: str, unit: str, queries: Queries, *, stacked: bool = False, about: str = "") -> Panel:
    """How it went, over time."""
    panel = timeseries.Panel().title(title).description(about).datasource(PROMETHEUS).unit(unit).min(0)
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    panel.fill_opacity(30 if stacked else 5).show_points(VisibilityMode.NEVER)
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    return panel.targets([_asked(index, query, legend) for index, (legend, query) in enumerate(queries.items())])


def number(title: str, unit: str, query: str, *, bad: float | None = None) -> Panel:
    """How it is; red from `bad` on."""
    panel = stat.Panel().title(title).datasource(PROMETHEUS).unit(unit).no_value("none")
    panel.graph_mode(BigValueGraphMode.AREA).thresholds(_thresholds(bad))
    return panel.with_target(_asked(0, query, ""))


def heat(title: str, unit: str, query: str, *, about: str = "") -> Panel:
    """How a histogram's observations are spread, over time."""
    asked = _asked(0, query, "{{le}}").format(PromQueryFormat.HEATMAP)
    panel = heatmap.Panel().title(title).description(about).datasource(PROMETHEUS).with_target(asked)
    panel.color(
        heatmap.HeatmapColorOptions().scheme("Turbo").scale(HeatmapColorScale.EXPONENTIAL).exponent(0.5).steps(64)
    )
    return panel.calculate(calculate=False).y_axis(heatmap.YAxisConfig().unit(unit)).hide_y_histogram()


def spans(title: str, queries: Queries, *, about: str = "") -> Panel:
    """When each was on, and when off."""
    panel = statetimeline.Panel().title(title).description(about).datasource(PROMETHEUS).no_value("none")
    panel.thresholds(_thresholds(1)).show_value(VisibilityMode.NEVER).merge_values(merge_values=True)
    return panel.targets([_asked(index, query, legend) for index, (legend, query) in enumerate(queries.items())])


def quantiles(bucket: str, *by: str) -> Queries:
    """p50, p95 and p99 of a histogram, for each combination of these labels."""
    labels, legend = ", ".join(("le", *by)), "".join(f" {{{{{label}}}}}" for label in by)
    rate = f"sum by ({labels}) (rate({bucket}[$__rate_interval]))"
    return {f"p{share * 100:.0f}{legend}": f"histogram_quantile({share}, {rate})" for share in (0.5, 0.95, 0.99)}


def _asked(index: int, query: str, legend: str) -> prometheus.Dataquery:
    asked = prometheus.Dataquery().ref_id(ascii_uppercase[index]).expr(query).datasource(PROMETHEUS)
    return asked.legend_format(legend).range()


def _thresholds(bad: float | None) -> ThresholdsConfig:
    steps = [Threshold(value=None, color="green")]
    steps += [Threshold(value=bad, color="red")] if bad is not None else []
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
