-- migrate:up
-- The tables of all its services: each uses its own.
CREATE TABLE room (
    name text    NOT NULL,
    free integer NOT NULL,
    held integer NOT NULL DEFAULT 0,
    CONSTRAINT room_once PRIMARY KEY (name)
);

CREATE TABLE hold (
    order_id uuid    NOT NULL,
    seats    integer NOT NULL,
    held     boolean NOT NULL,
    sold     boolean NOT NULL DEFAULT false,
    expired  boolean NOT NULL DEFAULT false,
    CONSTRAINT hold_once PRIMARY KEY (order_id)
);

CREATE TABLE payment (
    order_id uuid    NOT NULL,
    kept     integer NOT NULL,
    CONSTRAINT payment_once PRIMARY KEY (order_id)
);

-- migrate:down
DROP TABLE room, hold, payment;
