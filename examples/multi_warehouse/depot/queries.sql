-- name: ship_out
-- Take pieces off the shelf for a transfer, if there are so many; whether there were.
WITH taken AS (
    UPDATE stock SET on_hand = on_hand - $3 WHERE sku = $2 AND on_hand >= $3 RETURNING sku
)
INSERT INTO shipment (transfer_id, sku, quantity) SELECT $1, sku, $3 FROM taken RETURNING true;

-- name: take_back
-- Put the pieces of a transfer back onto the shelf; how many these are.
WITH returned AS (
    UPDATE shipment SET status = 'returned', changed_at = now()
    WHERE transfer_id = $1 AND status = 'on the road' RETURNING sku, quantity
)
UPDATE stock SET on_hand = on_hand + quantity FROM returned WHERE stock.sku = returned.sku RETURNING quantity;

-- name: note_arrival!
-- Remember that the pieces of a transfer are for sale elsewhere.
UPDATE shipment SET status = 'arrived', changed_at = now() WHERE transfer_id = $1 AND status = 'on the road';

-- name: stock
-- How many pieces of a sku are on the shelf, and on the road.
SELECT sku, on_hand,
       (SELECT coalesce(sum(quantity), 0)::bigint FROM shipment
        WHERE shipment.sku = stock.sku AND status = 'on the road')
           AS on_the_road
FROM stock WHERE sku = $1;

-- name: sagas
-- The transfers that have left the depot.
SELECT transfer_id::text AS saga_id, opened_at FROM shipment
WHERE opened_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR transfer_id > $3::uuid)
ORDER BY transfer_id LIMIT $4;

-- name: gone
-- How many pieces of these transfers are away.
SELECT transfer_id::text AS saga_id, CASE WHEN status = 'returned' THEN '0' ELSE quantity::text END AS entry
FROM shipment WHERE transfer_id = ANY ($1::text[]::uuid[]);

-- name: miscounted
-- Skus of which more or fewer pieces are on the shelf than were counted, but for those that are away.
SELECT NULL AS saga_id, format('%s: %s on hand, %s away, %s counted', sku, on_hand, away, counted) AS detail
FROM (
    SELECT sku, on_hand, counted, (
        SELECT coalesce(sum(quantity), 0) FROM shipment WHERE shipment.sku = stock.sku AND status <> 'returned'
    ) AS away
    FROM stock
) AS shelves
WHERE on_hand + away <> counted;
