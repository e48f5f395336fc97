-- migrate:up
-- Events that the broker has confirmed, kept for a while so that they can be said again. An event is in the outbox or
-- here, and never in both. Partitioned by the day on which it was said, which never changes, so that old days are
-- dropped, not deleted row by row; the one index grows at its end only.
CREATE TABLE saga.said (
    id          uuid        NOT NULL,
    exchange    text        NOT NULL,
    routing_key text        NOT NULL,
    saga_id     text        NOT NULL,
    traceparent text,
    body        bytea       NOT NULL,
    said_at     timestamptz NOT NULL,
    CONSTRAINT said_once PRIMARY KEY (said_at, id)
) PARTITION BY RANGE (said_at);

-- Events of days that have no partition: they waited in the outbox for long.
CREATE TABLE saga.said_strays PARTITION OF saga.said DEFAULT;

-- Makes the partitions of the days around today (UTC) and drops those that are past the horizon as a whole. The service
-- may call it.
CREATE FUNCTION saga.keep_said(horizon interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = saga, pg_temp AS $$
DECLARE
    today   date := (now() AT TIME ZONE 'UTC')::date;
    wanted  date;
    name    text;
    first   timestamptz;
    beyond  timestamptz;
    expired record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('saga.keep_said'));
    FOR wanted IN SELECT today + offset_days FROM generate_series(-1, 3) AS offset_days LOOP
        name := 'said_' || to_char(wanted, 'YYYYMMDD');
        first := wanted::timestamp AT TIME ZONE 'UTC';
        beyond := (wanted + 1)::timestamp AT TIME ZONE 'UTC';
        CONTINUE WHEN to_regclass('saga.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE saga.%I (LIKE saga.said INCLUDING ALL)', name);
        LOCK TABLE saga.said_strays IN ACCESS EXCLUSIVE MODE;
        EXECUTE format(
            'WITH moved AS (DELETE FROM saga.said_strays WHERE said_at >= %L AND said_at < %L RETURNING *) INSERT INTO saga.%I SELECT * FROM moved',
            first, beyond, name);
        EXECUTE format('ALTER TABLE saga.said ATTACH PARTITION saga.%I FOR VALUES FROM (%L) TO (%L)', name, first, beyond);
    END LOOP;
    FOR expired IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'saga.said'::regclass AND relname ~ '^said_\d{8}$'
          AND (to_date(right(relname, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' <= now() - horizon
    LOOP
        EXECUTE format('DROP TABLE saga.%I', expired.relname);
    END LOOP;
    DELETE FROM saga.said_strays WHERE said_at < now() - horizon;
END $$;
REVOKE EXECUTE ON FUNCTION saga.keep_said FROM PUBLIC;

SELECT saga.keep_said('2 days');

-- migrate:down
DROP FUNCTION saga.keep_said;
DROP TABLE saga.said;
