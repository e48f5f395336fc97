-- The tables of the textbook way and of the limit: what ours has, without what keeps ours for years.
CREATE TABLE inbox (id text COLLATE "C" PRIMARY KEY);
CREATE TABLE outbox (
    position    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exchange    text  NOT NULL,
    routing_key text  NOT NULL,
    saga_id     text  NOT NULL,
    message_id  text  NOT NULL,
    body        bytea NOT NULL
);

CREATE TABLE customer_order (order_id uuid PRIMARY KEY, status text NOT NULL, details jsonb, changed_at timestamptz DEFAULT now())
WITH (fillfactor = 45);

CREATE TABLE stock (
    sku       text   NOT NULL,
    warehouse text   NOT NULL,
    on_hand   bigint NOT NULL,
    reserved  bigint NOT NULL DEFAULT 0 CHECK (0 <= reserved AND reserved <= on_hand),
    PRIMARY KEY (sku, warehouse)
) WITH (fillfactor = 70);
CREATE TABLE reservation (order_id uuid PRIMARY KEY, status text NOT NULL, changed_at timestamptz DEFAULT now());
CREATE TABLE reservation_line (
    order_id uuid REFERENCES reservation, sku text, warehouse text, quantity bigint NOT NULL,
    PRIMARY KEY (order_id, sku, warehouse)
);
INSERT INTO stock (sku, warehouse, on_hand)
SELECT sku, warehouse, 1000000000 FROM unnest(ARRAY['CHAIR', 'DESK', 'LAMP']) AS sku, unnest(ARRAY['berlin', 'leipzig']) AS warehouse;

CREATE TABLE payment (
    order_id uuid PRIMARY KEY, payment_id text NOT NULL, status text NOT NULL, amount bigint NOT NULL, currency text NOT NULL,
    charge_id text, changed_at timestamptz DEFAULT now()
);
CREATE SCHEMA gateway;
CREATE TABLE gateway.charge (
    idempotency_key uuid PRIMARY KEY, charge_id text COLLATE "C" UNIQUE NOT NULL, amount bigint NOT NULL, currency text NOT NULL, declined text
);

CREATE TABLE shipment (order_id uuid PRIMARY KEY, status text NOT NULL, changed_at timestamptz DEFAULT now());
CREATE TABLE parcel (parcel_id uuid PRIMARY KEY, order_id uuid REFERENCES shipment, warehouse text NOT NULL, tracking text NOT NULL);
CREATE SCHEMA carrier;
CREATE TABLE carrier.booking (idempotency_key text COLLATE "C" PRIMARY KEY, tracking text NOT NULL);
