"""Blocks that are held against nothing, and why; and those that show what a command prints. By page and first line."""

GAP = "✗ it has ended, payment.capture_payment has refused, and inventory.reserve_stock is done: nothing undoes it"
PROVEN = "inventory, order, payment, shipping: 30,408 states, 188,805 moves, 1.8 s"

EXEMPT = {
    ("docs/checking.md", "✗ ticket: hall none, till sold"): (
        "what the explorer prints of a planted bug, shortened; tests/exploring finds it"
    ),
    ("docs/operations.md", "payment  stock.reserved.v1"): (
        "what a rehearsal prints, shortened; tests/saga/test_dead_letters.py reads one"
    ),
    ("docs/operations.md", "POST /orders                                  order      SERVER"): (
        "a trace, as a tree; tests/saga/test_traces.py holds one against the collector"
    ),
    ("docs/operations.md", " ✗  order, ledger and gateway agree on the money   152,310 sagas, 1 broken"): (
        "what an audit of many orders prints; tests/saga/test_audit.py breaks this law"
    ),
}
SHOWN = {
    ("docs/checking.md", GAP): "saga check, where release_stock no longer hears payment.declined.v1",
    ("docs/choreography-or-orchestration.md", PROVEN): "saga check",
}
"""By what."""
