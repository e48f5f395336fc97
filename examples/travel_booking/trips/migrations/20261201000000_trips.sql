-- migrate:up
CREATE TABLE trip (
    trip_id    uuid        NOT NULL,
    status     text        NOT NULL,
    opened_at  timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT trip_once PRIMARY KEY (trip_id),
    CONSTRAINT trip_known_status CHECK (status IN ('requested', 'undoing', 'confirmed', 'undone'))
);

-- migrate:down
DROP TABLE trip;
