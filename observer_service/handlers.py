"""What the observer does with all that it hears: it keeps it, and tells by it how each saga stands."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from observer_service import metrics, store
from observer_service.lateness import Lateness
from observer_service.pace import bucket_of
from observer_service.settings import ObserverSettings
from observer_service.store import Tally
from observer_service.story import UNDERWAY, Known, Standing, State, speakers, stand
from saga import Service, Tx
from saga.choreography import Choreography
from saga.installed import installed
from saga.overhearing import Course, Overheard


def watching(*services: Service) -> Service:
    """An observer of these services, whatever sagas they play."""
    choreography = Choreography.of(services)
    observer = Service("observer", forget=store.sql.forget, unfinished=store.sql.unfinished)
    lateness = Lateness()

    @observer.overhear(*services)
    async def keep(heard: Sequence[Overheard], tx: Tx) -> None:
        """Keep it, once, and tell by it how its sagas stand."""
        if new := await store.keep(tx, heard):
            changes = await _retell(choreography, tx, new)
            await store.count(tx, _tally(choreography, new, changes))
            _measure(new, changes)

    @observer.every(timedelta(seconds=1))
    async def look_for_the_late(settings: ObserverSettings, tx: Tx) -> None:
        """Tell which sagas wait for too long."""
        await lateness.look(tx, choreography, settings)

    return observer


@dataclass(frozen=True, slots=True)
class Change:
    """How a saga stood, and how it stands now."""

    before: State | None
    known: Known
    after: Standing


async def _retell(choreography: Choreography, tx: Tx, news: Sequence[Overheard]) -> dict[str, Change]:
    """How the sagas stand by what is known of them and by the news, whoever else hears of them at the same time."""
    told: defaultdict[str, list[Overheard]] = defaultdict(list)
    for one in news:
        told[one.saga_id].append(one)
    changes: dict[str, Change] = {}
    unheard: Mapping[str, Sequence[Overheard]] = told
    while unheard:
        known = await store.lock(tx, unheard)
        for saga_id, heard in unheard.items():
            before, facts = known.get(saga_id, (None, Known()))
            facts = facts.hear(heard)
            changes[saga_id] = Change(before, facts, stand(choreography, facts))
        told_now = {saga_id: (changes[saga_id].known, changes[saga_id].after) for saga_id in unheard}
        await store.save(tx, {saga_id: told_now[saga_id] for saga_id in known})
        added = await store.add(tx, {saga_id: now for saga_id, now in told_now.items() if saga_id not in known})
        unheard = {saga_id: told[saga_id] for saga_id in unheard if saga_id not in known and saga_id not in added}
    return changes


def _tally(choreography: Choreography, news: Sequence[Overheard], changes: Mapping[str, Change]) -> Tally:
    """What was heard, by type and by step."""
    tally = Tally()
    for one in news:
        if one.diverted is not None:
            hearer = choreography.hearer(one.diverted.service, one.type)
            tick = tally.ticks[hearer.id if hearer else one.diverted.service]
            tick.retried += one.diverted.course is Course.RETRIED
            tick.parked += one.diverted.course is Course.PARKED
            continue
        tally.ticks[one.type].said += 1
        known = changes[one.saga_id].known
        cause = known.causes.get(one.causationid or "")
        for part in speakers(choreography, known, known.facts[one.id, one.source]):
            tick = tally.ticks[part.id]
            tick.said += 1
            tick.refused += one.type in part.refuses
            if cause is not None:
                seconds = max((one.time - cause.time).total_seconds(), 0)
                tick.seconds += seconds
                tally.paces[part.id, bucket_of(seconds)] += 1
                metrics.STEP.labels(part.service, part.name).observe(seconds)
    return tally


def _measure(news: Sequence[Overheard], changes: Mapping[str, Change]) -> None:
    for one in news:
        if one.diverted is None:
            metrics.EVENTS.labels(one.type).inc()
        elif one.diverted.course is Course.RETRIED:
            metrics.RETRIED.labels(one.diverted.service).inc()
        elif one.diverted.course is Course.PARKED:
            metrics.PARKED.labels(one.diverted.service).inc()
    metrics.LAG.set((datetime.now(UTC) - max(one.time for one in news)).total_seconds())
    for change in changes.values():
        outcome = change.after.state
        if outcome not in UNDERWAY and outcome is not change.before:
            times = [fact.time for fact in change.known.facts.values()]
            metrics.ENDED.labels(outcome.value).inc()
            metrics.DURATION.labels(outcome.value).observe((max(times) - min(times)).total_seconds())


observer = watching(*installed(besides="observer"))
