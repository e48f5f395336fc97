-- migrate:up
-- Every event that was ever said, once; whoever hears it again changes nothing. Rows are never updated. Partitioned by
-- the event's own day, a part of its identity that never changes: so the key is unique over all partitions, and old days
-- are dropped, not deleted row by row. The key begins with the saga, so that its story is found by it.
CREATE TABLE event (
    day         date        NOT NULL,
    saga_id     text        COLLATE "C" NOT NULL,
    id          text        COLLATE "C" NOT NULL,
    source      text        COLLATE "C" NOT NULL,
    type        text        COLLATE "C" NOT NULL,
    time        timestamptz NOT NULL,
    causationid text        COLLATE "C",
    traceparent text        COLLATE "C",
    exchange    text        COLLATE "C" NOT NULL,
    is_whole    boolean     NOT NULL,                        -- the body is a CloudEvent, or else its data alone
    body        bytea       NOT NULL,
    heard_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_once PRIMARY KEY (saga_id, id, source, day)
) PARTITION BY RANGE (day);

-- Events of days that have no partition: far older or far newer than now.
CREATE TABLE event_strays PARTITION OF event DEFAULT;

-- What became of messages that a service could not handle, each once.
CREATE TABLE diversion (
    saga_id  text        COLLATE "C" NOT NULL,
    service  text        COLLATE "C" NOT NULL,
    id       text        COLLATE "C" NOT NULL,               -- the event's
    course   text        COLLATE "C" NOT NULL,
    at       timestamptz NOT NULL,
    type     text        COLLATE "C" NOT NULL,
    attempt  integer     NOT NULL,
    error    text        NOT NULL,
    reason   text        NOT NULL,
    heard_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT diversion_once PRIMARY KEY (saga_id, service, id, course, at),
    CONSTRAINT diversion_course_known CHECK (course IN ('retried', 'parked', 'replayed', 'discarded'))
);
CREATE INDEX diversion_by_age ON diversion (heard_at);

-- How each saga stands: derived from the two tables above, and can be made anew from them. `known` is what that takes.
CREATE TABLE saga (
    saga_id     text        COLLATE "C" NOT NULL,
    state       text        COLLATE "C" NOT NULL,
    remaining   text[]      NOT NULL,                        -- steps that are still to be done
    waits_for   text        COLLATE "C",                     -- the one of them that has been waited for the longest …
    waits_since timestamptz,                                 -- … since the event that it goes on from
    reason      text,                                        -- why it is stuck: late, deadline, parked
    detail      text,
    began_at    timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    known       jsonb       NOT NULL,
    CONSTRAINT saga_once PRIMARY KEY (saga_id),
    CONSTRAINT saga_state_known CHECK (state IN ('running', 'succeeded', 'refused', 'compensating', 'compensated', 'stuck')),
    CONSTRAINT saga_stuck_for_a_reason CHECK ((state = 'stuck') = (reason IS NOT NULL))
) WITH (fillfactor = 45, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX saga_by_beginning ON saga (began_at, saga_id);
CREATE INDEX saga_by_state ON saga (state, began_at, saga_id);

-- What was heard in each second: of a type of event, or of a step. Kept for an hour.
CREATE TABLE tick (
    at       timestamptz      NOT NULL,
    subject  text             COLLATE "C" NOT NULL,
    said     bigint           NOT NULL DEFAULT 0,
    seconds  double precision NOT NULL DEFAULT 0,            -- that the step took, all together
    refused  bigint           NOT NULL DEFAULT 0,
    retried  bigint           NOT NULL DEFAULT 0,
    parked   bigint           NOT NULL DEFAULT 0,
    CONSTRAINT tick_of_subject PRIMARY KEY (at, subject)
);

-- How long each step took, by day and by logarithmic bucket: from it the usual pace is learned.
CREATE TABLE pace (
    day    date     NOT NULL,
    step   text     COLLATE "C" NOT NULL,
    bucket smallint NOT NULL,
    times  bigint   NOT NULL,
    CONSTRAINT pace_of_step PRIMARY KEY (day, step, bucket)
);

-- Drops the days of events that are past retention and makes those around today. The service may call it. Old days go
-- first: to drop one takes a lock on the whole table, to make one a lock on the strays, as whoever writes takes them.
CREATE FUNCTION keep_events(retention interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    today   date := (now() AT TIME ZONE 'UTC')::date;
    wanted  date;
    name    text;
    expired record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('keep_events'));
    FOR expired IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'event'::regclass AND relname ~ '^event_\d{8}$'
          AND to_date(right(relname, 8), 'YYYYMMDD') < today - retention
    LOOP
        EXECUTE format('DROP TABLE %I', expired.relname);
    END LOOP;
    FOR wanted IN SELECT today + offset_days FROM generate_series(-2, 3) AS offset_days LOOP
        name := 'event_' || to_char(wanted, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE event INCLUDING ALL)', name);
        LOCK TABLE event_strays IN ACCESS EXCLUSIVE MODE;
        EXECUTE format(
            'WITH moved AS (DELETE FROM event_strays WHERE day = %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
            wanted, name);
        EXECUTE format('ALTER TABLE event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, wanted, wanted + 1);
    END LOOP;
    DELETE FROM event_strays WHERE day < today - retention;
    DELETE FROM diversion WHERE heard_at < now() - retention;
    DELETE FROM pace WHERE day < today - 7;
END $$;
REVOKE EXECUTE ON FUNCTION keep_events FROM PUBLIC;

SELECT keep_events('90 days');

-- migrate:down
DROP FUNCTION keep_events;
DROP TABLE pace, tick, saga, diversion, event;
