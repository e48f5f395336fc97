"""What our shipments must have in common with the carrier's bookings, and with everybody else's books."""

from saga import Book, Law, Laws, queries

sql = queries(__file__, "laws.sql")

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("outcome", keeper="shipping", entries=sql.outcome, unknown="undone"),
        Book("parcels", keeper="shipping", entries=sql.parcels, unknown="0"),
        Book("parcels", keeper="carrier", entries=sql.bookings, unknown="0"),
        Law("every booking names its order", breaches=sql.nameless_bookings),
    ),
)
