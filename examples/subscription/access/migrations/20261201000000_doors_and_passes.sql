-- migrate:up
CREATE TABLE plan (
    name   text    NOT NULL,
    places integer NOT NULL,
    taken  integer NOT NULL DEFAULT 0,
    CONSTRAINT plan_once PRIMARY KEY (name),
    CONSTRAINT plan_not_overbooked CHECK (taken <= places)
);

CREATE TABLE door (
    subscription_id uuid    NOT NULL,
    open            boolean NOT NULL,
    CONSTRAINT door_once_per_subscription PRIMARY KEY (subscription_id)
);

CREATE TABLE pass (
    term_id         uuid        NOT NULL,
    subscription_id uuid        NOT NULL,
    opened_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pass_once_per_term PRIMARY KEY (term_id)
);
CREATE INDEX pass_by_subscription ON pass (subscription_id);

-- migrate:down
DROP TABLE pass;
DROP TABLE door;
DROP TABLE plan;
