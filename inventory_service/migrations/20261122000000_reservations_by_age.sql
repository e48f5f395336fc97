-- migrate:up
-- Since when there is something to tell of an order: finished ones are forgotten past retention, oldest first.
ALTER TABLE reservation ADD COLUMN opened_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX reservation_by_age ON reservation (opened_at);

-- migrate:down
DROP INDEX reservation_by_age;
ALTER TABLE reservation DROP COLUMN opened_at;
