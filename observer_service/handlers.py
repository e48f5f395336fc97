"""What the observer does with all that it hears: it keeps it, and tells by it how each saga stands."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from observer_service import store
from observer_service.lateness import Lateness
from observer_service.retelling import measure, retell, tally
from observer_service.settings import ObserverSettings
from saga import Service, Tx
from saga.choreography import Choreography
from saga.installed import installed
from saga.overhearing import Overheard


def watching(*services: Service) -> Service:
    """An observer of these services, whatever sagas they play."""
    choreography = Choreography.of(services)
    observer = Service("observer", forget=store.sql.forget, unfinished=store.sql.unfinished)
    lateness = Lateness()

    @observer.overhear(*services)
    async def keep(heard: Sequence[Overheard], tx: Tx) -> None:
        """Keep it, once, and tell by it how its sagas stand."""
        new = await store.keep(tx, heard)
        told: defaultdict[str, list[Overheard]] = defaultdict(list)
        for one in new:
            told[one.saga_id].append(one)
        changes = await retell(choreography, tx, told)
        counted = tally(choreography, new, changes)
        await store.count(tx, counted)
        measure(choreography, new, counted, changes)

    @observer.every(timedelta(seconds=1))
    async def look_for_the_late(settings: ObserverSettings, tx: Tx) -> None:
        """Tell which sagas wait for too long."""
        await lateness.look(tx, choreography, settings)

    return observer


observer = watching(*installed(besides="observer"))
