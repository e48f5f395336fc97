-- migrate:up
-- Old days are dropped before new ones are made. To drop one takes a lock on the whole table, to make one a lock on the
-- strays; who writes takes them in the same order now. The other way round, whoever wrote an event of a day without a
-- partition and this could wait for each other, until the server ended one of them.
CREATE OR REPLACE FUNCTION saga.keep_inbox(retention interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = saga, pg_temp AS $$
DECLARE
    today   date := (now() AT TIME ZONE 'UTC')::date;
    wanted  date;
    expired record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('saga.keep_inbox'));
    FOR expired IN
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'saga.inbox'::regclass AND relname ~ '^inbox_\d{8}$'
          AND to_date(right(relname, 8), 'YYYYMMDD') < today - retention
    LOOP
        EXECUTE format('DROP TABLE saga.%I', expired.relname);
    END LOOP;
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
    DELETE FROM saga.inbox_strays WHERE handled_at < now() - retention;
END $$;

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
        SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'saga.said'::regclass AND relname ~ '^said_\d{8}$'
          AND (to_date(right(relname, 8), 'YYYYMMDD') + 1)::timestamp AT TIME ZONE 'UTC' <= now() - horizon
    LOOP
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
    DELETE FROM saga.said_strays WHERE said_at < now() - horizon;
END $$;

-- migrate:down
SELECT 'nothing but the order of the statements has changed';
