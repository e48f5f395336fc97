-- migrate:up
CREATE TABLE plan (
    name  text     NOT NULL,
    price bigint   NOT NULL,
    lasts interval NOT NULL,
    CONSTRAINT plan_once PRIMARY KEY (name)
);

CREATE TABLE term (
    term_id         uuid        NOT NULL,
    subscription_id uuid        NOT NULL,
    number          integer     NOT NULL,
    terms           integer     NOT NULL,
    customer        text        NOT NULL,
    plan            text        NOT NULL,
    card            text        NOT NULL,
    price           bigint      NOT NULL,
    status          text        NOT NULL,
    ends_at         timestamptz,
    opened_at       timestamptz NOT NULL DEFAULT now(),
    changed_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT term_once PRIMARY KEY (term_id),
    CONSTRAINT term_once_per_subscription UNIQUE (subscription_id, number),
    CONSTRAINT term_of_a_plan FOREIGN KEY (plan) REFERENCES plan,
    CONSTRAINT term_known_status
        CHECK (status IN ('charging', 'paid', 'running', 'over', 'declined', 'refunding', 'refunded'))
);
CREATE INDEX term_that_runs ON term (ends_at) WHERE status = 'running' AND number < terms;

-- The outside world's own books.
CREATE SCHEMA cards;
CREATE TABLE cards.movement (
    idempotency_key uuid   NOT NULL,
    reference       uuid   NOT NULL,
    amount          bigint NOT NULL,
    declined        text,
    CONSTRAINT movement_once_per_key PRIMARY KEY (idempotency_key)
);
CREATE INDEX movement_by_reference ON cards.movement (reference);

-- migrate:down
DROP SCHEMA cards CASCADE;
DROP TABLE term;
DROP TABLE plan;
