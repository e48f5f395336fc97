"""Before a new version is rolled out: does it understand what the old one has left on its way? Nothing is changed."""

from saga.draining.drain import drain
from saga.draining.report import Misunderstood, Place, Report

__all__ = ["Misunderstood", "Place", "Report", "drain"]
