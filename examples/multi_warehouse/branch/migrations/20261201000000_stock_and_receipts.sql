-- migrate:up
CREATE TABLE stock (
    sku     text   NOT NULL,
    on_hand bigint NOT NULL DEFAULT 0,
    stored  bigint NOT NULL DEFAULT 0,
    room    bigint NOT NULL,
    CONSTRAINT stock_once_per_sku PRIMARY KEY (sku),
    CONSTRAINT stock_never_below_nothing CHECK (on_hand >= 0 AND stored >= 0),
    CONSTRAINT stock_within_its_room CHECK (on_hand + stored <= room)
);

CREATE TABLE receipt (
    transfer_id uuid        NOT NULL,
    sku         text        NOT NULL,
    quantity    bigint      NOT NULL,
    status      text        NOT NULL DEFAULT 'stored',
    opened_at   timestamptz NOT NULL DEFAULT now(),
    changed_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT receipt_once_per_transfer PRIMARY KEY (transfer_id),
    CONSTRAINT receipt_of_stock FOREIGN KEY (sku) REFERENCES stock,
    CONSTRAINT receipt_known_status CHECK (status IN ('stored', 'shelved', 'sent back'))
);

-- migrate:down
DROP TABLE receipt;
DROP TABLE stock;
