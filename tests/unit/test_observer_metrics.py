"""What the observer's own metrics tell."""

import pytest

from observer_service import metrics


def told() -> float:
    return float(next(iter(metrics.LAG.collect())).samples[0].value)


def test_an_observer_that_has_caught_up_lags_behind_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said any more, and what it handled last was old. Its alarm would go on for ever."""
    lag = metrics.Lag()
    lag.note(300)
    lag.look()
    assert told() == 300
    monkeypatch.setattr(metrics, "_FOLLOWING", 0.0)
    lag.look()
    assert told() == 0
