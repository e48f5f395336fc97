-- migrate:up
-- What a step that waits for several facts has heard so far: the first of each, by its place, as JSON.
CREATE TABLE saga.joined (
    saga_id    text COLLATE "C" NOT NULL,
    step       text COLLATE "C" NOT NULL,
    facts      jsonb            NOT NULL,
    changed_at timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT joined_once_per_step PRIMARY KEY (saga_id, step)
);
CREATE INDEX joined_by_age ON saga.joined (changed_at);

-- migrate:down
DROP TABLE saga.joined;
