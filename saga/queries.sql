-- name: remember_messages
-- Remember these messages as handled, and tell which of them are new.
INSERT INTO saga.inbox (day, source, id) SELECT * FROM unnest($1::date[], $2::text[], $3::text[])
ON CONFLICT DO NOTHING
RETURNING day, source, id;

-- name: admit_to_do
-- Both `remember_messages` and `do_steps`, side by side: rows of either kind.
WITH new AS (
    INSERT INTO saga.inbox (day, source, id) SELECT * FROM unnest($1::date[], $2::text[], $3::text[])
    ON CONFLICT DO NOTHING
    RETURNING day, source, id
), entered AS (
    INSERT INTO saga.fence (saga_id, step, state) SELECT saga_id, $5, 'done' FROM unnest($4::text[]) AS saga_id
    ON CONFLICT DO NOTHING
    RETURNING saga_id
)
SELECT day, source, id, NULL AS saga_id FROM new UNION ALL SELECT NULL, NULL, NULL, saga_id FROM entered;

-- name: admit_to_undo
-- Both `remember_messages` and `undo_steps`, side by side: rows of either kind.
WITH new AS (
    INSERT INTO saga.inbox (day, source, id) SELECT * FROM unnest($1::date[], $2::text[], $3::text[])
    ON CONFLICT DO NOTHING
    RETURNING day, source, id
), entered AS (
    INSERT INTO saga.fence AS fence (saga_id, step, state)
    SELECT saga_id, $5, 'blocked' FROM unnest($4::text[]) AS saga_id
    ON CONFLICT (saga_id, step) DO UPDATE SET state = 'compensated', entered_at = now() WHERE fence.state = 'done'
    RETURNING saga_id
)
SELECT day, source, id, NULL AS saga_id FROM new UNION ALL SELECT NULL, NULL, NULL, saga_id FROM entered;

-- name: keep_inbox
-- Make the coming days' partitions and drop those past retention.
SELECT saga.keep_inbox($1);

-- name: be_patient!
-- What has become much takes minutes to be looked through, or put into its place. While days are made for it, what comes
-- of those that have none is tried again later.
SET LOCAL statement_timeout = '10min';

-- name: forget_strays
-- Forget messages of days that have no partition, that were handled longer ago than that: at most so many; how many
-- there were.
WITH old AS MATERIALIZED (
    SELECT day, source, id FROM saga.inbox_strays WHERE handled_at < now() - $1::interval
    ORDER BY handled_at LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM saga.inbox_strays AS stray USING old
    WHERE stray.id = old.id AND stray.source = old.source AND stray.day = old.day RETURNING 1
)
SELECT count(*) FROM gone;

-- name: keep_said
-- The same for the days of what was said, which are dropped past the horizon.
SELECT saga.keep_said($1);

-- name: do_steps
-- Mark the step as done for these sagas, and tell for which it was neither done nor undone before.
INSERT INTO saga.fence (saga_id, step, state)
SELECT saga_id, $2, 'done' FROM unnest($1::text[]) AS saga_id
ON CONFLICT DO NOTHING
RETURNING saga_id;

-- name: undo_steps
-- Mark the step as compensated, or block it for ever if it was not done; tell for which sagas this is news.
INSERT INTO saga.fence AS fence (saga_id, step, state)
SELECT saga_id, $2, 'blocked' FROM unnest($1::text[]) AS saga_id
ON CONFLICT (saga_id, step) DO UPDATE SET state = 'compensated', entered_at = now() WHERE fence.state = 'done'
RETURNING saga_id;

-- name: join_facts
-- Keep what a step has heard of these sagas beside what it had, the first of each place; how many places are filled.
INSERT INTO saga.joined AS joined (saga_id, step, facts)
SELECT saga_id, $1, facts FROM unnest($2::text[], $3::jsonb[]) AS heard (saga_id, facts)
ON CONFLICT (saga_id, step) DO UPDATE SET facts = excluded.facts || joined.facts, changed_at = now()
RETURNING saga_id, (SELECT count(*) FROM jsonb_object_keys(joined.facts)) AS places;

-- name: joined_facts
-- What a step has heard of a saga.
SELECT facts FROM saga.joined WHERE step = $1 AND saga_id = $2;

-- name: forget_joined
-- Forget what was heard longer ago than that: the oldest, at most so many; how many rows there were.
WITH old AS MATERIALIZED (
    SELECT saga_id, step FROM saga.joined WHERE changed_at < now() - $1::interval
    ORDER BY changed_at LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM saga.joined USING old WHERE joined.saga_id = old.saga_id AND joined.step = old.step RETURNING 1
)
SELECT count(*) FROM gone;

-- name: forget_steps
-- Forget the steps that were entered longer ago than that: the oldest, at most so many; how many there were.
WITH old AS MATERIALIZED (
    SELECT saga_id, step FROM saga.fence WHERE entered_at < now() - $1::interval
    ORDER BY entered_at LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM saga.fence USING old WHERE fence.saga_id = old.saga_id AND fence.step = old.step RETURNING 1
)
SELECT count(*) FROM gone;

-- name: store_outbox
-- Store events in the transaction of the work that says them, for others to find when the lease has ended; when that was.
WITH said AS (
    INSERT INTO saga.said (id, exchange, routing_key, saga_id, traceparent, body, said_at)
    SELECT *, now() FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])
), waiting AS (
    INSERT INTO saga.outbox (id, said_at, due_at) SELECT id, now(), now() + $7::interval FROM unnest($1::uuid[]) AS id
)
SELECT now();

-- name: take_outbox
-- Lock a window of rows that nobody else is publishing, or has in hand.
SELECT id::text, exchange, routing_key, saga_id, body, said_at
FROM saga.outbox JOIN saga.said USING (id, said_at)
WHERE due_at <= now() ORDER BY id LIMIT $1 FOR UPDATE OF outbox SKIP LOCKED;

-- name: delete_outbox!
-- Forget that rows are to be published: they were confirmed.
DELETE FROM saga.outbox WHERE id = ANY ($1::uuid[]);

-- name: delete_said!
-- The same, and forget what they said.
WITH gone AS (DELETE FROM saga.outbox WHERE id = ANY ($1::uuid[]) RETURNING id, said_at)
DELETE FROM saga.said USING gone WHERE said.said_at = gone.said_at AND said.id = gone.id;

-- name: hold_outbox
-- Hold back rows that the broker could not route: a minute longer each time, and after the tenth for good.
UPDATE saga.outbox SET returns = returns + 1,
    due_at = CASE WHEN returns >= 9 THEN 'infinity' ELSE now() + (returns + 1) * interval '1 minute' END
FROM saga.said
WHERE outbox.id = ANY ($1::uuid[]) AND said.said_at = outbox.said_at AND said.id = outbox.id
RETURNING outbox.id::text, saga_id, substr(traceparent, 4, 32) AS trace_id, routing_key, returns,
    due_at = 'infinity' AS parked;

-- name: store_calls!
-- Store calls to the outside world in the transaction of the step that asks for them, for others to find when the lease
-- has ended.
INSERT INTO saga.call (id, saga_id, step, type, request, causationid, traceparent, attempts, due_at)
SELECT *, $8::integer, clock_timestamp() + $9::interval
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]);

-- name: take_calls
-- Lease open calls: whoever else looks sees them as taken until the lease ends. The choice is materialized, since a
-- subquery with LIMIT and SKIP LOCKED may be run more than once within a statement, and then takes more than it should.
WITH due AS MATERIALIZED (
    SELECT id FROM saga.call WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE saga.call AS call SET due_at = clock_timestamp() + $2::interval, attempts = attempts + 1
FROM due WHERE call.id = due.id
RETURNING call.id, saga_id, step, type, request, causationid, traceparent, attempts;

-- name: renew_calls!
-- Keep the lease of calls that are still in flight.
UPDATE saga.call SET due_at = clock_timestamp() + $2::interval WHERE id = ANY ($1::uuid[]);

-- name: postpone_call!
-- Give a call back: it is due again after the delay.
UPDATE saga.call SET due_at = clock_timestamp() + $2::interval WHERE id = $1;

-- name: close_calls
-- Close calls whose outcome is known, and tell which were still open and what undo was noted on them.
DELETE FROM saga.call WHERE id = ANY ($1::uuid[]) RETURNING id, undo_step, undo;

-- name: note_undo
-- Note an undo on the open calls of a step, and tell which sagas have one.
UPDATE saga.call AS call SET undo_step = $2, undo = cause.undo
FROM unnest($3::text[], $4::text[]) AS cause (saga_id, undo)
WHERE call.saga_id = cause.saga_id AND call.step = $1
RETURNING call.saga_id;

-- name: give_way
-- Wait for others only for a moment: whoever holds a lock that this transaction wants, goes first.
SELECT set_config('lock_timeout', '200ms', true);

-- name: backlog
-- What waits in this database: rows and the age of the oldest in seconds.
SELECT
    (SELECT count(*) FROM saga.outbox) AS outbox_rows,
    (SELECT count(*) FROM saga.outbox WHERE due_at = 'infinity') AS outbox_parked,
    (SELECT coalesce(extract(epoch FROM now() - min(said_at)), 0)::float8 FROM saga.outbox) AS outbox_age,
    (SELECT count(*) FROM saga.call) AS open_calls,
    (SELECT coalesce(extract(epoch FROM now() - min(opened_at)), 0)::float8 FROM saga.call) AS calls_age;

