"""What changes for sagas by what was heard of them, and what there is to count of that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from observer_service import metrics, store
from observer_service.pace import bucket_of
from observer_service.store import Tally
from observer_service.story import UNDERWAY, Known, Standing, State, speakers, stand
from saga import Tx
from saga.choreography import Choreography, Part
from saga.overhearing import Course, Overheard


@dataclass(frozen=True, slots=True)
class Change:
    """How a saga stood, and how it stands now."""

    before: State | None
    known: Known
    after: Standing


async def retell(
    choreography: Choreography, tx: Tx, told: Mapping[str, Sequence[Overheard]], *, anew: bool = False
) -> dict[str, Change]:
    """How these sagas stand by what is told of them, whoever else tells of them at the same time.

    What was known of them before counts as well, unless they are told `anew`. A saga of which only a retry was heard so
    far, before the event that is retried, stands nowhere yet and is not among them.
    """
    changes: dict[str, Change] = {}
    untold = told
    while untold:
        stored = await store.lock(tx, untold)
        for saga_id, heard in untold.items():
            before, known = stored.get(saga_id, (None, Known()))
            known = (Known() if anew else known).hear(heard)
            if known.facts or known.letters:
                changes[saga_id] = Change(before, known, stand(choreography, known))
        now = {saga_id: (changes[saga_id].known, changes[saga_id].after) for saga_id in untold.keys() & changes.keys()}
        await store.save(tx, {saga_id: now[saga_id] for saga_id in stored.keys() & now.keys()})
        added = await store.add(tx, {saga_id: news for saga_id, news in now.items() if saga_id not in stored})
        untold = {saga_id: untold[saga_id] for saga_id in now.keys() - stored.keys() - added}
    return changes


def tally(choreography: Choreography, news: Sequence[Overheard], changes: Mapping[str, Change]) -> Tally:
    """What was heard, by type and by step, and how long the steps took."""
    counted = Tally()
    for one in news:
        if one.diverted is not None:
            hearer = choreography.hearer(one.diverted.service, one.type)
            tick = counted.ticks[hearer.id if hearer else one.diverted.service]
            tick.retried += one.diverted.course is Course.RETRIED
            tick.parked += one.diverted.course is Course.PARKED
            continue
        counted.ticks[one.type].said += 1
        for part, seconds in _answers(choreography, one, changes[one.saga_id].known):
            tick = counted.ticks[part.id]
            tick.said += 1
            tick.refused += one.type in part.refuses
            if seconds is not None:
                tick.seconds += seconds
                counted.paces[part.id, bucket_of(seconds)] += 1
                counted.hops.append((part, seconds))
    return counted


def measure(
    choreography: Choreography, news: Sequence[Overheard], counted: Tally, changes: Mapping[str, Change]
) -> None:
    """The same for Prometheus, which never forgets a label: types that nobody declares are one."""
    declared = choreography.types
    for part, seconds in counted.hops:
        metrics.STEP.labels(part.service, part.name).observe(seconds)
    for one in news:
        if one.diverted is None:
            metrics.OBSERVED.labels(one.type if one.type in declared else metrics.UNDECLARED).inc()
        elif one.diverted.course is Course.RETRIED:
            metrics.RETRIES.labels(one.diverted.service).inc()
        elif one.diverted.course is Course.PARKED:
            metrics.PARKED.labels(one.diverted.service).inc()
    if news:
        metrics.lag.note((datetime.now(UTC) - max(one.time for one in news)).total_seconds())
    for change in changes.values():
        outcome = change.after.state
        if outcome not in UNDERWAY and outcome is not change.before:
            times = [fact.time for fact in change.known.facts.values()]
            metrics.ENDED.labels(outcome.value).inc()
            if times:  # else only of its letters was heard
                metrics.DURATION.labels(outcome.value).observe((max(times) - min(times)).total_seconds())


def _answers(choreography: Choreography, event: Overheard, known: Known) -> Iterator[tuple[Part, float | None]]:
    """The steps that an event answers for, and in how many seconds, if its cause was heard."""
    cause = known.causes.get(event.causationid or "")
    seconds = max((event.time - cause.time).total_seconds(), 0.0) if cause else None
    for part in speakers(choreography, known, known.facts[event.id, event.source]):
        yield part, seconds
