"""Money goes from an account of one bank to an account of another, or it never left."""

from collections.abc import Sequence
from uuid import UUID

from events import Message
from examples.bank_transfer.events import TransferOrdered
from examples.bank_transfer.giro.handlers import giro
from examples.bank_transfer.savings.handlers import savings
from saga.exploring import Scenario, Story

SERVICES = (giro, savings)
OPENING = """
    INSERT INTO account (name, balance) VALUES ('ada', 1000000), ('blaise', 5000);
    INSERT INTO entry (transfer_id, what, account, amount)
    SELECT gen_random_uuid(), 'opening', name, balance FROM account;
    INSERT INTO entry (transfer_id, what, account, amount)
    SELECT transfer_id, what, 'vault', -amount FROM entry;
"""


def story(sender: str, recipient: str, amount: int) -> Story:
    def told(saga: UUID) -> Sequence[Message]:
        return [TransferOrdered(transfer_id=saga, sender=sender, recipient=recipient, amount=amount)]

    return told


SCENARIO = Scenario(
    services=SERVICES,
    stories={
        "from Ada to Grace": story("ada", "grace", 250),
        "to an account that is closed": story("ada", "charles", 250),
        "more than there is": story("blaise", "grace", 10**9),
    },
    prepared={
        "giro": OPENING,
        "savings": "INSERT INTO account (name, closed) VALUES ('grace', false), ('charles', true)",
    },
)
