-- migrate:up
-- Up to PostgreSQL 15, an index on a column that changes, even such a small one, makes every update write to all other
-- indexes of the table, too (https://www.postgresql.org/docs/16/release-16.html: HOT updates and BRIN). There it costs
-- more than it saves, and an audit reads the whole table instead.
DO $$ BEGIN
    IF current_setting('server_version_num')::integer < 160000 THEN
        DROP INDEX reservation_by_change;
    END IF;
END $$;

-- migrate:down
CREATE INDEX IF NOT EXISTS reservation_by_change ON reservation USING brin (changed_at);
