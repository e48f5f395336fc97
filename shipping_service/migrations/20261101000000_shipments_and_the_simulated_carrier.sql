-- migrate:up
CREATE TABLE shipment (
    order_id   uuid        NOT NULL,
    status     text        NOT NULL,
    country    text        NOT NULL,
    reason     text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT shipment_one_per_order PRIMARY KEY (order_id),
    CONSTRAINT shipment_status_known
        CHECK (status IN ('booking', 'scheduled', 'rejected', 'cancelling', 'cancelled', 'dispatched'))
) WITH (fillfactor = 70);

CREATE TABLE parcel (
    parcel_id text NOT NULL,
    order_id  uuid NOT NULL,
    warehouse text NOT NULL,
    carrier   text NOT NULL,
    tracking  text NOT NULL,
    CONSTRAINT parcel_id_unique PRIMARY KEY (parcel_id),
    CONSTRAINT parcel_of_shipment FOREIGN KEY (order_id) REFERENCES shipment,
    CONSTRAINT parcel_one_per_warehouse UNIQUE (order_id, warehouse)
);

-- The simulated carrier's own books, written on a connection and in a transaction of its own.
CREATE SCHEMA carrier;
CREATE TABLE carrier.booking (
    idempotency_key uuid        NOT NULL,
    tracking        text        NOT NULL,
    cancelled       boolean     NOT NULL DEFAULT false,
    made_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT booking_once_per_key PRIMARY KEY (idempotency_key),
    CONSTRAINT booking_has_its_own_tracking UNIQUE (tracking)
);

-- migrate:down
DROP SCHEMA carrier CASCADE;
DROP TABLE parcel, shipment;
