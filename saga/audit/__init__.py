"""An audit of a live system: services' books held against each other, read-only. The runtime knows no law itself."""

from saga.audit.report import Breach, Doubt, Finding, Report, Unfinished, Verdict
from saga.audit.rounds import HORIZON, PATIENCE, audit, watch

__all__ = ["HORIZON", "PATIENCE", "Breach", "Doubt", "Finding", "Report", "Unfinished", "Verdict", "audit", "watch"]
