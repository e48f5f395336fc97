"""Plain thresholds, and what learns from the stream what is usual: each looks at a second and warns, or doesn't."""

import math
from abc import ABC, abstractmethod
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any, ClassVar

from river import anomaly, drift

from benchmarks.forecast.recording import Look, Second


def features(look: Look) -> dict[str, float]:
    """What matters of a step in this second, on scales on which it is about as often half as twice the usual."""
    seen = {
        "wait": math.log(max(look.oldest, 0.01)),
        "waiting": math.log1p(look.waiting),
        "retried": math.log1p(look.retried),
    }
    if look.said:
        seen["seconds"] = math.log(max(look.seconds, 0.001))
        seen["refused"] = look.refused / look.said
    return seen


class Detector(ABC):
    """Warns when a step was conspicuous in so many of the last `SPAN` seconds."""

    SPAN: ClassVar = 5
    grid: ClassVar[Mapping[str, tuple[Any, ...]]]

    def __init__(self, times: int) -> None:
        self._times = times
        self._last: defaultdict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=self.SPAN))

    @classmethod
    def settings(cls) -> Iterator[dict[str, Any]]:
        """All that are tried."""
        grid = {**cls.grid, "times": (1, 2, 3, 4)}
        return (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))

    def look(self, second: Second) -> bool:
        for step, look in second.steps.items():
            self._last[step].append(self.is_conspicuous(step, look, is_warned=self._is_warned(step)))
        return any(self._is_warned(step) for step in second.steps)

    def _is_warned(self, step: str) -> bool:
        return sum(self._last[step]) >= self._times

    @abstractmethod
    def is_conspicuous(self, step: str, look: Look, *, is_warned: bool) -> bool: ...


class Thresholds(Detector):
    """The same limits for all steps, as somebody writes them into alert rules."""

    grid: ClassVar = {"wait": (0.5, 1, 2, 3), "seconds": (0.25, 0.5, 1, 2), "refused": (0.5, 0.9, 2), "retried": (1, 3)}

    def __init__(self, times: int, wait: float, seconds: float, refused: float, retried: int) -> None:
        super().__init__(times)
        self._limits = wait, seconds, refused, retried

    def is_conspicuous(self, step: str, look: Look, *, is_warned: bool) -> bool:  # noqa: ARG002
        wait, seconds, refused, retried = self._limits
        share = look.refused / look.said if look.said else 0.0
        return look.oldest > wait or look.seconds > seconds or share > refused or look.retried >= retried


class LongestWait(Detector):
    """One limit: how long any saga has been waiting for the step."""

    grid: ClassVar = {"wait": (0.25, 0.5, 0.75, 1, 1.5, 2, 3)}

    def __init__(self, times: int, wait: float) -> None:
        super().__init__(times)
        self._wait = wait

    def is_conspicuous(self, step: str, look: Look, *, is_warned: bool) -> bool:  # noqa: ARG002
        return look.oldest > self._wait


class Learning(Detector):
    """A model for each step and feature; it doesn't learn from what it warns of."""

    def __init__(self, times: int, above: float, model: Callable[[], Any]) -> None:
        super().__init__(times)
        self._above = above
        self._models: defaultdict[tuple[str, str], Any] = defaultdict(model)

    def is_conspicuous(self, step: str, look: Look, *, is_warned: bool) -> bool:
        found = False
        for name, value in features(look).items():
            model = self._models[step, name]
            found |= self.score(model, value) > self._above
            if not is_warned:
                self.learn(model, value)
        return found

    def score(self, model: Any, value: float) -> float:
        return float(model.score_one(None, value))

    def learn(self, model: Any, value: float) -> None:
        model.learn_one(None, value)


class Gaussian(Learning):
    """By river's GaussianScorer: how improbable a value is, seen from all before. Only what is high counts.

    Not from the last so many: the variance of its sliding window becomes negative where values hardly differ.
    """

    grid: ClassVar = {"above": (0.99, 0.999, 0.9999, 0.99999, 0.999999)}

    def __init__(self, times: int, above: float) -> None:
        super().__init__(times, above, partial(anomaly.GaussianScorer, window_size=None, grace_period=60))

    def score(self, model: Any, value: float) -> float:
        return super().score(model, value) if value > model.gaussian.mu else 0.0


class Deviation(Learning):
    """By river's StandardAbsoluteDeviation: by how many deviations a value is off the mean."""

    grid: ClassVar = {"above": (3, 4, 5, 6, 8, 10)}

    def __init__(self, times: int, above: float) -> None:
        super().__init__(times, above, anomaly.StandardAbsoluteDeviation)


class Trees(Detector):
    """By river's HalfSpaceTrees, over all features of a step at once, and the quantile of its own scores."""

    grid: ClassVar = {"share": (0.95, 0.99, 0.995), "window": (60, 250), "trees": (10, 25)}
    LIMITS: ClassVar[dict[Any, tuple[float, float]]] = {
        "wait": (-4.7, 2.3),
        "waiting": (0.0, 6.0),
        "retried": (0.0, 4.0),
        "seconds": (-7.0, 2.3),
        "refused": (0.0, 1.0),
    }

    def __init__(self, times: int, share: float, window: int, trees: int) -> None:
        super().__init__(times)
        self._models: defaultdict[str, Any] = defaultdict(
            lambda: anomaly.QuantileFilter(
                anomaly.HalfSpaceTrees(n_trees=trees, height=6, window_size=window, limits=self.LIMITS, seed=7), q=share
            )
        )
        self._seen: defaultdict[str, dict[str, float]] = defaultdict(lambda: {"seconds": -7.0, "refused": 0.0})

    def is_conspicuous(self, step: str, look: Look, *, is_warned: bool) -> bool:
        model = self._models[step]
        self._seen[step] |= features(look)
        found = bool(model.classify(model.score_one(self._seen[step])))
        if not is_warned:
            model.learn_one(self._seen[step])
        return found


class Drift(Detector):
    """By river's PageHinkley: whether the mean of what a step takes, or makes wait, is moving up."""

    grid: ClassVar = {"threshold": (5, 10, 20, 50), "delta": (0.05, 0.2, 0.5)}
    HOLDS: ClassVar = 10
    """Seconds. So long it warns of a drift that it has found."""

    def __init__(self, times: int, threshold: float, delta: float) -> None:
        super().__init__(times)
        self._models: defaultdict[tuple[str, str], Any] = defaultdict(
            partial(drift.PageHinkley, min_instances=60, threshold=threshold, delta=delta, mode="up")
        )
        self._left: defaultdict[str, int] = defaultdict(int)

    def is_conspicuous(self, step: str, look: Look, *, is_warned: bool) -> bool:  # noqa: ARG002
        self._left[step] -= 1
        for name, value in features(look).items():
            model = self._models[step, name]
            model.update(value)
            if model.drift_detected:
                self._left[step] = self.HOLDS
        return self._left[step] > 0


DETECTORS: dict[str, type[Detector]] = {
    "longest wait": LongestWait,
    "thresholds": Thresholds,
    "GaussianScorer": Gaussian,
    "StandardAbsoluteDeviation": Deviation,
    "HalfSpaceTrees": Trees,
    "PageHinkley": Drift,
}
