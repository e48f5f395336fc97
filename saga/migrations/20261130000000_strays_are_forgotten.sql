-- migrate:up
-- Strays past retention are forgotten as steps are, a few at a time: to delete millions of them took longer than a
-- statement may, and then no day was made either, today's events became strays, too, and there were more of them each time.
CREATE INDEX inbox_strays_by_age ON saga.inbox_strays (handled_at);

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
END $$;

-- migrate:down
DROP INDEX saga.inbox_strays_by_age;
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
