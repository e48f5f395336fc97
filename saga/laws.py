"""What a service declares of its books, so that an audit can hold them against each other.

The runtime knows no law itself. Two books of the same name tell the same thing, as two keepers know it: the money that
an order brought, by the ledger, by the gateway, and by the order's own status. An audit reads both, saga by saga.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Book:
    """One keeper's view of something that all keepers of the same name must tell alike.

    `entries` gives rows `(saga_id text, entry text)` of the sagas in `$1::text[]`. An entry that is null says that the
    saga is still on its way there: then none of its books is compared. `unknown` is what holds of a saga without a row;
    None: nobody can tell yet.
    """

    name: str
    keeper: str
    entries: str
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Law:
    """What must hold within one service's database, at every moment: between any two of its transactions.

    `breaches` gives rows `(saga_id text, detail text)`, one for each breach; `saga_id` is null where no saga can be
    named. It has no parameters: it is about totals and rows that don't fit together, over all sagas at once.
    """

    name: str
    breaches: str


@dataclass(frozen=True, slots=True)
class Laws:
    """What one service contributes to an audit.

    `sagas` gives rows `(saga_id text, opened_at timestamptz)` of the sagas that it knows, in the order of their ids'
    bytes: of those that were opened at `$1` or later and have changed at `$2` or later, the first `$4` after id `$3`,
    which is null for the first of all. A saga is changed by whatever changes one of its entries.
    """

    sagas: str
    rules: tuple[Book | Law, ...]
