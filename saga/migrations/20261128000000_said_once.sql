-- migrate:up
-- What is said is written once: it is in `said` from the start, and the outbox lists what of that the broker has not yet
-- confirmed. Ids grow with time, so that the outbox is in the order in which things were said.
INSERT INTO saga.said (id, exchange, routing_key, saga_id, traceparent, body, said_at)
SELECT id, exchange, routing_key, saga_id, traceparent, body, said_at FROM saga.outbox
ON CONFLICT DO NOTHING;

ALTER TABLE saga.outbox
    DROP COLUMN position, DROP COLUMN exchange, DROP COLUMN routing_key, DROP COLUMN saga_id, DROP COLUMN traceparent,
    DROP COLUMN body,
    ALTER COLUMN said_at DROP DEFAULT,
    ADD CONSTRAINT outbox_once PRIMARY KEY (id);

-- As before, but for days of which something is still to be published: those are kept.
CREATE OR REPLACE FUNCTION saga.keep_said(horizon interval) RETURNS void
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
    FOR expired IN
        SELECT relname, day AT TIME ZONE 'UTC' AS first, (day + interval '1 day') AT TIME ZONE 'UTC' AS beyond
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid,
            LATERAL (SELECT to_date(right(relname, 8), 'YYYYMMDD')::timestamp AS day) AS of_day
        WHERE inhparent = 'saga.said'::regclass AND relname ~ '^said_\d{8}$'
    LOOP
        CONTINUE WHEN expired.beyond > now() - horizon;
        LOCK TABLE saga.said IN ACCESS EXCLUSIVE MODE; -- dropping takes it, too; and nobody has it said again meanwhile
        CONTINUE WHEN EXISTS (SELECT FROM saga.outbox WHERE said_at >= expired.first AND said_at < expired.beyond);
        EXECUTE format('DROP TABLE saga.%I', expired.relname);
    END LOOP;
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
    DELETE FROM saga.said_strays
    WHERE said_at < now() - horizon AND NOT EXISTS (SELECT FROM saga.outbox WHERE outbox.id = said_strays.id);
END $$;

-- migrate:down
ALTER TABLE saga.outbox
    DROP CONSTRAINT outbox_once,
    ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY, ADD COLUMN exchange text, ADD COLUMN routing_key text,
    ADD COLUMN saga_id text, ADD COLUMN traceparent text, ADD COLUMN body bytea,
    ALTER COLUMN said_at SET DEFAULT now(),
    ADD CONSTRAINT outbox_in_order PRIMARY KEY (position);
WITH waiting AS (
    DELETE FROM saga.said USING saga.outbox WHERE said.said_at = outbox.said_at AND said.id = outbox.id RETURNING said.*
)
UPDATE saga.outbox SET
    exchange = waiting.exchange, routing_key = waiting.routing_key, saga_id = waiting.saga_id,
    traceparent = waiting.traceparent, body = waiting.body
FROM waiting WHERE outbox.id = waiting.id;
ALTER TABLE saga.outbox
    ALTER COLUMN exchange SET NOT NULL, ALTER COLUMN routing_key SET NOT NULL, ALTER COLUMN saga_id SET NOT NULL,
    ALTER COLUMN body SET NOT NULL;
