-- migrate:up
-- When a step was entered: what is older than retention is forgotten, a few rows at a time, oldest first.
ALTER TABLE saga.fence ADD COLUMN entered_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX fence_by_age ON saga.fence (entered_at);

-- Dead letters that a person has thrown away, and why: the record of what will never be handled.
CREATE TABLE saga.discarded (
    id           text        NOT NULL,
    type         text        NOT NULL,
    parked_at    timestamptz NOT NULL,
    saga_id      text,
    reason       text        NOT NULL,
    discarded_by text        NOT NULL,
    discarded_at timestamptz NOT NULL DEFAULT now(),
    headers      text        NOT NULL,                      -- as JSON
    body         bytea       NOT NULL,
    CONSTRAINT discarded_once PRIMARY KEY (id, type, parked_at)
);

-- migrate:down
DROP TABLE saga.discarded;
DROP INDEX saga.fence_by_age;
ALTER TABLE saga.fence DROP COLUMN entered_at;
