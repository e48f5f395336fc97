-- migrate:up
CREATE TABLE payment (
    order_id   uuid        NOT NULL,
    payment_id text        NOT NULL,
    status     text        NOT NULL,
    amount     bigint      NOT NULL,
    currency   text        NOT NULL,
    captured   bigint      NOT NULL DEFAULT 0,
    refunded   bigint      NOT NULL DEFAULT 0,
    charge_id  text,
    reason     text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT payment_one_per_order PRIMARY KEY (order_id),
    CONSTRAINT payment_status_known CHECK (status IN ('pending', 'captured', 'declined', 'refunding', 'refunded')),
    CONSTRAINT payment_never_more_back CHECK (0 <= refunded AND refunded <= captured AND captured <= amount)
) WITH (fillfactor = 70);

-- The simulated payment gateway's own books. The service never joins them with its own tables, and the gateway writes
-- them on a connection and in a transaction of its own: what it has done stays done, whatever becomes of the service.
CREATE SCHEMA gateway;
CREATE TABLE gateway.charge (
    idempotency_key uuid        NOT NULL,
    charge_id       text        NOT NULL,
    amount          bigint      NOT NULL,
    currency        text        NOT NULL,
    declined        text,
    made_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT charge_once_per_key PRIMARY KEY (idempotency_key),
    CONSTRAINT charge_has_its_own_id UNIQUE (charge_id)
);
CREATE TABLE gateway.refund (
    idempotency_key uuid        NOT NULL,
    charge_id       text        NOT NULL,
    amount          bigint      NOT NULL,
    made_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT refund_once_per_key PRIMARY KEY (idempotency_key),
    CONSTRAINT refund_of_a_charge FOREIGN KEY (charge_id) REFERENCES gateway.charge (charge_id)
);

-- migrate:down
DROP SCHEMA gateway CASCADE;
DROP TABLE payment;
