-- migrate:up
-- Up to PostgreSQL 15, an index on a column that changes, even such a small one, makes every update write to all other
-- indexes of the table, too (https://www.postgresql.org/docs/16/release-16.html: HOT updates and BRIN). There it costs
-- more than it saves, and an audit reads the whole table instead.
DO $$ BEGIN
    IF current_setting('server_version_num')::integer < 160000 THEN
        DROP INDEX payment_by_change;
    END IF;
END $$;

-- migrate:down
CREATE INDEX IF NOT EXISTS payment_by_change ON payment USING brin (changed_at);
