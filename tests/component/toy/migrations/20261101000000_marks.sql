-- migrate:up
CREATE TABLE mark (
    saga_id text        NOT NULL,
    what    text        NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT mark_once PRIMARY KEY (saga_id, made_at)
);

-- migrate:down
DROP TABLE mark;
