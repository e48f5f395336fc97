-- migrate:up
CREATE TABLE stock (
    sku     text   NOT NULL,
    counted bigint NOT NULL,
    on_hand bigint NOT NULL,
    CONSTRAINT stock_once_per_sku PRIMARY KEY (sku),
    CONSTRAINT stock_never_below_nothing CHECK (on_hand >= 0)
);

CREATE TABLE shipment (
    transfer_id uuid        NOT NULL,
    sku         text        NOT NULL,
    quantity    bigint      NOT NULL,
    status      text        NOT NULL DEFAULT 'on the road',
    opened_at   timestamptz NOT NULL DEFAULT now(),
    changed_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT shipment_once_per_transfer PRIMARY KEY (transfer_id),
    CONSTRAINT shipment_of_stock FOREIGN KEY (sku) REFERENCES stock,
    CONSTRAINT shipment_known_status CHECK (status IN ('on the road', 'arrived', 'returned'))
);

-- migrate:down
DROP TABLE shipment;
DROP TABLE stock;
