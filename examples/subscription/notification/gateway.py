"""Where the outside world begins: a mail server, simulated."""

from dataclasses import dataclass
from uuid import UUID

from saga import Call, Pool, queries

sql = queries(__file__, "gateway_queries.sql")


class Send(Call):
    """Send a mail. What follows is for whoever hears that it was sent."""

    term_id: UUID
    subscription_id: UUID
    customer: str
    subject: str

    @property
    def saga_id(self) -> str:
        return str(self.term_id)


@dataclass(frozen=True, slots=True)
class Sent:
    pass


class SimulatedMail:
    """Sends once for each key."""

    def __init__(self, outbox: Pool) -> None:
        self._outbox = outbox

    async def send(self, send: Send, key: UUID) -> Sent:
        await self._outbox.execute(sql.send, key, send.term_id, send.customer, send.subject)
        return Sent()
