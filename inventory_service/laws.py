"""What inventory's books must have in common with everybody else's, and what must hold of them alone."""

from saga import Book, Law, Laws, queries

sql = queries(__file__, "laws.sql")

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("outcome", keeper="inventory", entries=sql.outcome, unknown="undone"),
        Book("pieces", keeper="inventory", entries=sql.pieces, unknown="0"),
        Book("parcels", keeper="inventory", entries=sql.warehouses, unknown="0"),
        Law("what is reserved is what open reservations hold", breaches=sql.reserved_otherwise),
        Law("no more is reserved than there is", breaches=sql.oversold),
    ),
)
