-- migrate:up
CREATE TABLE mark (
    saga_id text        NOT NULL,
    what    text        NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- migrate:down
DROP TABLE mark;
