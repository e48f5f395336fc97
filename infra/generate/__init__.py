"""Makes what is written about the code from the code."""

from infra.generate.documents import ROOT, documents, stale
from infra.generate.schemas import DIALECT, SCHEMAS, spoken

__all__ = ["DIALECT", "ROOT", "SCHEMAS", "documents", "spoken", "stale"]
