-- name: take_said
-- Everything that was said, as it was said; it is gone then.
WITH gone AS (DELETE FROM saga.outbox RETURNING id, said_at)
SELECT body FROM gone JOIN saga.said USING (id, said_at) ORDER BY id;

-- name: open_calls
-- Every call whose outcome isn't known.
SELECT id, saga_id, step, type, request, causationid, traceparent, attempts FROM saga.call ORDER BY id;

-- name: fences
-- Which steps of a saga were entered, and what has become of them.
SELECT step, state FROM saga.fence WHERE saga_id = $1;

-- name: tables
-- Every table of a service and of the runtime, but for these.
SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname !~ '^pg_' AND nspname <> 'information_schema'
    AND relname <> ALL ($1::text[])
ORDER BY 1;
