"""What order's books must have in common with everybody else's."""

from saga import Book, Laws, queries

sql = queries(__file__, "laws.sql")

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("outcome", keeper="order", entries=sql.outcome, unknown="undone"),
        Book("money", keeper="order", entries=sql.money, unknown="0"),
        Book("pieces", keeper="order", entries=sql.pieces, unknown="0"),
    ),
)
