-- migrate:up
-- What every participant keeps beside its own tables, in the same database, so that one local transaction holds both.

CREATE SCHEMA saga;

-- Messages that have been handled. Partitioned by the event's own day, which is a part of its identity that never
-- changes: so the key is unique over all partitions, and old days are dropped, not deleted row by row.
CREATE TABLE saga.inbox (
    day         date        NOT NULL,
    source      text        NOT NULL,
    id          text        NOT NULL,
    handled_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT inbox_once PRIMARY KEY (id, source, day)
) PARTITION BY RANGE (day);

-- Events of days that have no partition: far older or far newer than now.
CREATE TABLE saga.inbox_strays PARTITION OF saga.inbox DEFAULT;

-- Which step of which saga has been done, undone, or forbidden for ever because its undo came first.
CREATE TABLE saga.fence (
    saga_id text NOT NULL,
    step    text NOT NULL,
    state   text NOT NULL,
    CONSTRAINT fence_step_once PRIMARY KEY (saga_id, step),
    CONSTRAINT fence_state_known CHECK (state IN ('done', 'compensated', 'blocked'))
);

-- Events that have been said and not yet been confirmed by the broker. The row's presence is its state.
CREATE TABLE saga.outbox (
    position    bigint      GENERATED ALWAYS AS IDENTITY,
    id          uuid        NOT NULL,
    exchange    text        NOT NULL,
    routing_key text        NOT NULL,
    saga_id     text        NOT NULL,
    traceparent text,
    body        bytea       NOT NULL,
    said_at     timestamptz NOT NULL DEFAULT now(),
    returns     integer     NOT NULL DEFAULT 0,              -- how often the broker could not route it
    due_at      timestamptz NOT NULL DEFAULT '-infinity',    -- held back until; 'infinity': parked
    CONSTRAINT outbox_in_order PRIMARY KEY (position)
) WITH (
    -- The table is nearly empty and turns over all day: vacuum it by count, often and at full speed.
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000
);

-- Calls to the outside world whose outcome is not yet known. The id is the idempotency key.
CREATE TABLE saga.call (
    id        uuid        NOT NULL,
    saga_id   text        NOT NULL,
    step      text        NOT NULL,
    type      text        NOT NULL,
    request   text        NOT NULL,
    cause     text        NOT NULL,                          -- the envelope that made the step run
    undo_step text,                                          -- to be run as soon as the outcome is known …
    undo      text,                                          -- … with this envelope
    attempts  integer     NOT NULL DEFAULT 0,
    due_at    timestamptz NOT NULL DEFAULT '-infinity',      -- in the future while somebody is at it
    opened_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT call_key PRIMARY KEY (id),
    CONSTRAINT call_one_undo CHECK ((undo IS NULL) = (undo_step IS NULL))
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX call_due ON saga.call (due_at);
CREATE INDEX call_of_step ON saga.call (saga_id, step);

-- Makes the partitions of the days around today and drops those past retention. The service may call it, and
-- nothing else that changes the schema.
CREATE FUNCTION saga.keep_inbox(retention interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = saga, pg_temp AS $$
DECLARE
    today   date := (now() AT TIME ZONE 'UTC')::date;
    wanted  date;
    expired record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('saga.keep_inbox'));
    FOR wanted IN SELECT today + offset_days FROM generate_series(-2, 3) AS offset_days LOOP
        CONTINUE WHEN to_regclass(format('saga.inbox_%s', to_char(wanted, 'YYYYMMDD'))) IS NOT NULL;
        EXECUTE format('CREATE TABLE saga.%I (LIKE saga.inbox INCLUDING ALL)', 'inbox_' || to_char(wanted, 'YYYYMMDD'));
        LOCK TABLE saga.inbox_strays IN ACCESS EXCLUSIVE MODE;
        EXECUTE format(
            'WITH moved AS (DELETE FROM saga.inbox_strays WHERE day = %L RETURNING *) INSERT INTO saga.%I SELECT * FROM moved',
            wanted, 'inbox_' || to_char(wanted, 'YYYYMMDD'));
        EXECUTE format(
            'ALTER TABLE saga.inbox ATTACH PARTITION saga.%I FOR VALUES FROM (%L) TO (%L)',
            'inbox_' || to_char(wanted, 'YYYYMMDD'), wanted, wanted + 1);
    END LOOP;
    FOR expired IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'saga.inbox'::regclass AND relname ~ '^inbox_\d{8}$'
          AND to_date(right(relname, 8), 'YYYYMMDD') < today - retention
    LOOP
        EXECUTE format('DROP TABLE saga.%I', expired.relname);
    END LOOP;
    DELETE FROM saga.inbox_strays WHERE handled_at < now() - retention;
END $$;
REVOKE EXECUTE ON FUNCTION saga.keep_inbox FROM PUBLIC;

SELECT saga.keep_inbox('30 days');

-- migrate:down
DROP SCHEMA saga CASCADE;
