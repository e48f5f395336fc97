"""The figures as pictures, which look the same on a light and on a dark page."""

from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.plan import GROWTH, REPLICAS
from benchmarks.results import Results

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "benchmarks",  # the same figures make the same file
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}
BESIDE: Any = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "frameon": False, "fontsize": 8}
OURS, OTHERS = "#0b6e4f", "#9aa5b1"
COLOURS = ("#0b6e4f", "#c8553d", "#3066be", "#e0a030", "#6d597a", "#5c6b73", "#b56576", "#43aa8b", "#90a955", "#22223b")


def draw(results: Results, folder: Path) -> list[str]:
    """Names of the files; what was not measured has none."""
    drawn = []
    for name, picture in (
        ("saturation", _saturation),
        ("processor", _processor),
        ("latency", _latency),
        ("replicas", _replicas),
        ("growth", _growth),
        ("memory", _memory),
    ):
        (folder / f"{name}.svg").unlink(missing_ok=True)
        with mpl.rc_context(STYLE):
            figure = Figure(figsize=(7.5, 3.6), layout="constrained")
            if picture(figure.add_subplot(), results):
                figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
                drawn.append(name)
    return drawn


def _saturation(axes: Axes, results: Results) -> bool:
    spreads = {name: spread for name in results.contenders() if (spread := results.rate(name))}
    ordered = sorted(spreads, key=lambda name: spreads[name].median)
    medians = [spreads[name].median for name in ordered]
    errors = [
        [spreads[name].median - spreads[name].low for name in ordered],
        [spreads[name].high - spreads[name].median for name in ordered],
    ]
    bars = axes.barh(ordered, medians, xerr=errors, color=[OURS if name == "ours" else OTHERS for name in ordered])
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in medians], padding=4)
    axes.margins(x=0.12)
    axes.set_title("Sagas a second at saturation (median, least and most)")
    return bool(ordered)


def _processor(axes: Axes, results: Results) -> bool:
    names = results.contenders()[::-1]
    kinds = ("services", "postgresql", "rabbitmq", "load")
    left = [0.0] * len(names)
    for kind, colour in zip(kinds, COLOURS, strict=False):
        widths = [processor(results, name).get(kind, 0) for name in names]
        axes.barh(names, widths, left=left, label=kind, color=colour)
        left = [at + width for at, width in zip(left, widths, strict=True)]
    axes.set_title("Milliseconds of the processor a saga (median)")
    if names:
        axes.legend(**BESIDE)
    return bool(names)


def processor(results: Results, contender: str) -> dict[str, float]:
    """Milliseconds a saga, with the contender's own processes as one: `services`."""
    found: dict[str, float] = {}
    own = {name for each in results.of("saturation", contender) for name in each.memory}
    every = {name for each in results.of("saturation", contender) for name in each.processor}
    for name in every:
        kind = "services" if name in own else name
        found[kind] = found.get(kind, 0.0) + median(
            each.processor.get(name, 0.0) for each in results.of("saturation", contender)
        )
    return found


def _latency(axes: Axes, results: Results) -> bool:
    names = list(dict.fromkeys(each.contender for each in results.latencies))
    for name, colour in zip(names, COLOURS, strict=False):
        percents = sorted({each.percent for each in results.latencies if each.contender == name})
        for share, line in (("p50", "-"), ("p99", ":")):
            heights = [spread.median for percent in percents if (spread := results.latency(name, percent, share))]
            axes.plot(percents, heights, line, marker="o", markersize=4, color=colour, label=f"{name}, {share}")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("percent of its own saturation (0: one order alone)")
    axes.set_title("Milliseconds from an order to its end")
    if names:
        axes.legend(**BESIDE)
    return bool(names)


def _replicas(axes: Axes, results: Results) -> bool:
    axes.set_title("Sagas a second, by processes of each service")
    return _varied(axes, results, REPLICAS, "processes")


def _growth(axes: Axes, results: Results) -> bool:
    axes.set_title("Sagas a second, by the orders of the past")
    return _varied(axes, results, GROWTH, "orders that are in the databases already")


def _varied(axes: Axes, results: Results, measurement: str, label: str) -> bool:
    variants = results.variants(measurement)
    rates = [spread.median if (spread := results.rate("ours", measurement, each)) else 0 for each in variants]
    bars = axes.bar([f"{each:,}" for each in variants], rates, width=0.5, color=OURS)
    axes.bar_label(bars, [f"{rate:,.0f}" for rate in rates])
    axes.margins(y=0.12)
    axes.set_xlabel(label)
    return bool(variants)


def _memory(axes: Axes, results: Results) -> bool:
    for each in results.drains[-1:]:
        for (name, samples), colour in zip(each.memory.items(), COLOURS, strict=False):
            axes.plot(range(len(samples)), samples, color=colour, label=name)
        axes.set_title(f"MB of memory while {each.orders:,} orders are worked off")
        axes.set_xlabel("seconds")
        axes.set_ylim(bottom=0)
        axes.legend(**BESIDE)
    return bool(results.drains)
