"""What our ledger must have in common with the gateway's books, and with everybody else's."""

from saga import Book, Law, Laws, queries

sql = queries(__file__, "laws.sql")

LAWS = Laws(
    sagas=sql.sagas,
    rules=(
        Book("outcome", keeper="payment", entries=sql.outcome, unknown="undone"),
        Book("money", keeper="ledger", entries=sql.ledger_money, unknown="0"),
        Book("money", keeper="gateway", entries=sql.gateway_money, unknown="0"),
        Book("charges", keeper="ledger", entries=sql.ledger_charges, unknown="0"),
        Book("charges", keeper="gateway", entries=sql.gateway_charges, unknown="0"),
        Law("every charge names its order", breaches=sql.nameless_charges),
    ),
)
