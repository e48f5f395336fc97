-- name: keep_events
-- Keep these events, and tell which of them are new.
INSERT INTO event (day, saga_id, id, source, type, time, causationid, traceparent, exchange, is_whole, body)
SELECT * FROM unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
                     $8::text[], $9::text[], $10::boolean[], $11::bytea[])
ON CONFLICT DO NOTHING
RETURNING id, source;

-- name: keep_diversions
-- Keep what became of these messages, and tell which of that is new.
INSERT INTO diversion (saga_id, service, id, course, at, type, attempt, error, reason)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::integer[],
                     $8::text[], $9::text[])
ON CONFLICT DO NOTHING
RETURNING service, id, course, at;

-- name: lock_sagas
-- What is known of these sagas, locked in the order of their ids.
SELECT saga_id, state, known::text FROM saga WHERE saga_id = ANY ($1::text[]) ORDER BY saga_id FOR UPDATE;

-- name: add_sagas
-- Sagas that were not known, and that nobody else has just added.
INSERT INTO saga (saga_id, state, remaining, waits_for, waits_since, reason, detail, began_at, changed_at, known)
SELECT saga_id, state, string_to_array(remaining, ' '), waits_for, waits_since, reason, detail, began_at, changed_at, known
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
            $8::timestamptz[], $9::timestamptz[], $10::jsonb[])
    AS news (saga_id, state, remaining, waits_for, waits_since, reason, detail, began_at, changed_at, known)
ORDER BY saga_id
ON CONFLICT DO NOTHING
RETURNING saga_id;

-- name: save_sagas!
-- How these sagas stand now.
UPDATE saga SET
    state = news.state, remaining = string_to_array(news.remaining, ' '), waits_for = news.waits_for,
    waits_since = news.waits_since, reason = news.reason, detail = news.detail, began_at = news.began_at,
    changed_at = news.changed_at, known = news.known
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[],
            $8::timestamptz[], $9::timestamptz[], $10::jsonb[])
    AS news (saga_id, state, remaining, waits_for, waits_since, reason, detail, began_at, changed_at, known)
WHERE saga.saga_id = news.saga_id;

-- name: count_ticks!
-- Add to what was heard in this second.
INSERT INTO tick (at, subject, said, seconds, refused, retried, parked)
SELECT date_trunc('second', clock_timestamp()), * FROM unnest(
    $1::text[], $2::bigint[], $3::double precision[], $4::bigint[], $5::bigint[], $6::bigint[])
ON CONFLICT (at, subject) DO UPDATE SET
    said = tick.said + excluded.said, seconds = tick.seconds + excluded.seconds,
    refused = tick.refused + excluded.refused, retried = tick.retried + excluded.retried,
    parked = tick.parked + excluded.parked;

-- name: count_paces!
-- Add to how long steps took today.
INSERT INTO pace (day, step, bucket, times)
SELECT (now() AT TIME ZONE 'UTC')::date, * FROM unnest($1::text[], $2::smallint[], $3::bigint[])
ON CONFLICT (day, step, bucket) DO UPDATE SET times = pace.times + excluded.times;

-- name: paces
-- How long each step took in the last days.
SELECT step, bucket, sum(times)::bigint AS times FROM pace GROUP BY step, bucket;

-- name: mark_late
-- Sagas that wait for a step for longer than the step's limit, `$3`, are stuck; how many there were.
WITH late AS (
    SELECT saga_id, usual.reason, usual.detail FROM saga
    JOIN unnest($1::text[], $2::text[], $3::interval[], $4::text[]) AS usual (step, reason, after, detail)
        ON waits_for = step
    WHERE state IN ('running', 'compensating') AND waits_since < now() - usual.after
    FOR UPDATE OF saga SKIP LOCKED
), marked AS (
    UPDATE saga SET state = 'stuck', reason = late.reason, detail = late.detail, changed_at = now()
    FROM late WHERE saga.saga_id = late.saga_id RETURNING 1
)
SELECT count(*) FROM marked;

-- name: drop_old_ticks!
DELETE FROM tick WHERE at < now() - interval '1 hour';

-- name: underway
-- Sagas that have not ended, by state and by what they wait for.
SELECT state, waits_for, reason, count(*) AS sagas, min(waits_since) AS since FROM saga
WHERE state IN ('running', 'compensating', 'stuck') GROUP BY state, waits_for, reason;

-- name: unfinished
-- How many sagas have not ended, and for how many seconds the oldest of them has been known.
SELECT state AS status, count(*) AS sagas, coalesce(extract(epoch FROM now() - min(began_at)), 0)::float8 AS age
FROM saga WHERE state IN ('running', 'compensating', 'stuck') GROUP BY state;

-- name: list_sagas
-- From the newest: those of some states, that wait for a step, whose id begins with `$3`, that began in a span of time;
-- after a page that ended with a certain saga.
SELECT saga_id, state, remaining, waits_for, waits_since, reason, detail, began_at, changed_at FROM saga
WHERE ($1::text[] IS NULL OR state = ANY ($1))
  AND ($2::text IS NULL OR waits_for = $2)
  AND ($3::text IS NULL OR saga_id >= $3 AND saga_id < $3 || U&'\+10FFFF')
  AND ($4::timestamptz IS NULL OR began_at >= $4)
  AND ($5::timestamptz IS NULL OR began_at < $5)
  AND ($6::text IS NULL OR (began_at, saga_id) < (SELECT began_at, saga_id FROM saga WHERE saga_id = $6))
ORDER BY began_at DESC, saga_id DESC LIMIT $7;

-- name: saga_of
-- One saga.
SELECT saga_id, state, remaining, waits_for, waits_since, reason, detail, began_at, changed_at, known::text FROM saga
WHERE saga_id = $1;

-- name: events_of
-- All events of a saga, which said them between two days.
SELECT id, source, type, time, causationid, traceparent, exchange, is_whole, body, heard_at FROM event
WHERE saga_id = $1 AND day BETWEEN $2 AND $3;

-- name: diversions_of
-- What became of a saga's messages that a service could not handle, in the order of time.
SELECT service, id, course, at, type, attempt, error, reason FROM diversion WHERE saga_id = $1 ORDER BY at, service, id;

-- name: forget
-- Forget sagas that have ended and not changed for so long: the oldest, at most so many; how many there were. With them,
-- the days of events are kept.
WITH kept AS MATERIALIZED (
    SELECT keep_events($1)
), old AS MATERIALIZED (
    SELECT saga_id FROM saga, kept
    WHERE began_at < now() - $1::interval AND changed_at < now() - $1::interval
      AND state IN ('succeeded', 'refused', 'compensated')
    ORDER BY began_at LIMIT $2 FOR UPDATE OF saga SKIP LOCKED
), gone AS (
    DELETE FROM saga USING old WHERE saga.saga_id = old.saga_id RETURNING 1
)
SELECT count(*) FROM gone;

-- name: sagas_kept
-- The sagas of which anything was kept, after a certain one, in the order of their ids.
SELECT saga_id FROM (
    (SELECT DISTINCT saga_id FROM event WHERE saga_id > $1 ORDER BY saga_id LIMIT $2)
    UNION
    (SELECT DISTINCT saga_id FROM diversion WHERE saga_id > $1 ORDER BY saga_id LIMIT $2)
) AS kept ORDER BY saga_id LIMIT $2;

-- name: facts_between
-- Everything that matters of the events of the sagas between two ids.
SELECT saga_id, id, source, type, time, causationid FROM event WHERE saga_id BETWEEN $1 AND $2;

-- name: diversions_between
-- The same of what services could not handle.
SELECT saga_id, service, id, course, at, type, attempt, error, reason FROM diversion WHERE saga_id BETWEEN $1 AND $2;

-- name: ended_after
-- Sagas that have ended and not changed for a while, after a certain one, in the order of their ids.
SELECT saga_id, known::text FROM saga
WHERE saga_id > $1 AND state IN ('succeeded', 'refused', 'compensated') AND changed_at < now() - $2::interval
ORDER BY saga_id LIMIT $3;
