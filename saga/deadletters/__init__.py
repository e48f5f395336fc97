"""Dead letters: looking at them without taking them, and what a person may do about them."""

from saga.deadletters.causality import in_causal_order
from saga.deadletters.databases import Databases, Own
from saga.deadletters.discarding import Discarded, discard, discarded
from saga.deadletters.held import held
from saga.deadletters.letter import Letter
from saga.deadletters.refusing import REFUSED, refusable, refuse
from saga.deadletters.rehearsal import Rehearsal, RowChange, Verdict, rehearse
from saga.deadletters.replaying import replay
from saga.deadletters.selection import Selection

__all__ = [
    "REFUSED",
    "Databases",
    "Discarded",
    "Letter",
    "Own",
    "Rehearsal",
    "RowChange",
    "Selection",
    "Verdict",
    "discard",
    "discarded",
    "held",
    "in_causal_order",
    "refusable",
    "refuse",
    "rehearse",
    "replay",
]
