-- name: discard!
-- Record letters that a person throws away. Who does it again has been recorded already.
INSERT INTO saga.discarded (id, type, parked_at, saga_id, reason, discarded_by, headers, body)
SELECT id, type, parked_at, saga_id, $7, $8, headers, body
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[])
    AS letter (id, type, parked_at, saga_id, headers, body)
ON CONFLICT DO NOTHING;

-- name: discarded
-- What has been thrown away, the latest first.
SELECT id, type, parked_at, saga_id, reason, discarded_by, discarded_at FROM saga.discarded
ORDER BY discarded_at DESC, id LIMIT $1;

-- name: check_now!
-- Have what is checked at the commit checked now.
SET CONSTRAINTS ALL IMMEDIATE;

-- name: fence_state
-- How the fence stands to a step.
SELECT state FROM saga.fence WHERE saga_id = $1 AND step = $2;

-- name: written_tables
-- Which of the service's own tables this transaction has written, how many rows, and what reads these: the rows as they
-- are now, as they were by what others see, by their keys, and those that others still see though they are gone.
SELECT
    written.relid::regclass::text AS name,
    n_tup_ins AS inserted, n_tup_upd AS updated, n_tup_del AS deleted,
    coalesce(key.names, '{}') AS key,
    format('SELECT to_jsonb(t)::text FROM %s AS t WHERE xmin = pg_current_xact_id()::xid', written.relid::regclass) AS now,
    format('SELECT to_jsonb(t)::text FROM %s AS t WHERE xmax = $1::text::xid', written.relid::regclass) AS gone,
    format('SELECT to_jsonb(t)::text FROM jsonb_populate_recordset(NULL::%1$s, $1::jsonb) AS k JOIN %1$s AS t USING (%2$s)',
           written.relid::regclass, key.columns) AS by_key
FROM pg_stat_xact_user_tables AS written
LEFT JOIN LATERAL (
    SELECT array_agg(attname::text ORDER BY attnum) AS names, string_agg(quote_ident(attname), ', ') AS columns
    FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
    WHERE indrelid = written.relid AND indisprimary
) AS key ON true
WHERE schemaname <> 'saga' AND n_tup_ins + n_tup_upd + n_tup_del > 0
ORDER BY name;

-- name: transaction_id
-- As others see it in the rows that this transaction has written.
SELECT pg_current_xact_id()::xid::text;

-- name: be_quick!
-- No look at a table takes longer than this: meanwhile the rows that were written are locked.
SET LOCAL statement_timeout = '2s';
