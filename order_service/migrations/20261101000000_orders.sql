-- migrate:up
CREATE TABLE customer_order (
    order_id        uuid        NOT NULL,
    status          text        NOT NULL,
    reason          text,
    heard           text[]      NOT NULL DEFAULT '{}', -- the types of the facts that are known of it
    details         jsonb,                             -- as placed; unknown while only later facts have been heard
    amount          bigint,
    idempotency_key text,
    seen_at         timestamptz NOT NULL DEFAULT now(),
    changed_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT customer_order_id PRIMARY KEY (order_id),
    CONSTRAINT customer_order_one_per_key UNIQUE (idempotency_key),
    CONSTRAINT customer_order_status_known
        CHECK (status IN ('placed', 'fulfilled', 'undoing', 'rejected', 'cancelled'))
) WITH (fillfactor = 70);
CREATE INDEX customer_order_by_age ON customer_order (seen_at, order_id);

-- migrate:down
DROP TABLE customer_order;
