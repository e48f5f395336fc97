"""A participant that listens only."""

from collections import Counter
from collections.abc import Sequence

from order_service.handlers import Fact
from saga import Service, Tx

bookkeeper = Service("bookkeeper", package="tests.fault.bookkeeper")


@bookkeeper.on(*Fact.__args__)
async def count_facts(facts: Sequence[Fact], tx: Tx) -> None:
    """Add one for each message."""
    counts = Counter((fact.saga_id, fact.event_type) for fact in facts)
    sagas, types = zip(*counts, strict=True)
    await tx.execute(
        """INSERT INTO tally (saga_id, type, times) SELECT * FROM unnest($1::text[], $2::text[], $3::int[])
           ON CONFLICT (saga_id, type) DO UPDATE SET times = tally.times + excluded.times""",
        sagas,
        types,
        list(counts.values()),
    )
