-- migrate:up
CREATE TABLE stock (
    sku       text   NOT NULL,
    warehouse text   NOT NULL,
    on_hand   bigint NOT NULL,
    reserved  bigint NOT NULL DEFAULT 0,
    CONSTRAINT stock_place PRIMARY KEY (sku, warehouse),
    CONSTRAINT stock_never_oversold CHECK (0 <= reserved AND reserved <= on_hand)
) WITH (fillfactor = 70); -- counts change all the time: leave room to do it in place

CREATE TABLE reservation (
    order_id   uuid        NOT NULL,
    status     text        NOT NULL,
    reason     text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reservation_one_per_order PRIMARY KEY (order_id),
    CONSTRAINT reservation_status_known CHECK (status IN ('reserved', 'rejected', 'released', 'deducted'))
);

CREATE TABLE reservation_line (
    order_id  uuid   NOT NULL,
    sku       text   NOT NULL,
    warehouse text   NOT NULL,
    quantity  bigint NOT NULL,
    CONSTRAINT reservation_line_place PRIMARY KEY (order_id, sku, warehouse),
    CONSTRAINT reservation_line_of_order FOREIGN KEY (order_id) REFERENCES reservation,
    CONSTRAINT reservation_line_holds_something CHECK (quantity > 0)
);

INSERT INTO stock (sku, warehouse, on_hand)
SELECT sku, warehouse, CASE sku WHEN 'SOFA' THEN 0 ELSE 1000000 END
FROM unnest(ARRAY['CHAIR', 'DESK', 'LAMP', 'SOFA']) AS sku, unnest(ARRAY['berlin', 'leipzig']) AS warehouse;

-- migrate:down
DROP TABLE reservation_line, reservation, stock;
