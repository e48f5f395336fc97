"""An audit of a live system: services' books held against each other, read-only. The runtime knows no law itself."""

from saga.audit.auditor import HORIZON, PATIENCE, audit, watch
from saga.audit.report import Breach, Doubt, Finding, Report, Unfinished, Verdict

__all__ = ["HORIZON", "PATIENCE", "Breach", "Doubt", "Finding", "Report", "Unfinished", "Verdict", "audit", "watch"]
