-- name: sagas
-- The orders on which something was decided.
SELECT order_id::text AS saga_id, opened_at FROM reservation
WHERE opened_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR order_id > $3::uuid)
ORDER BY order_id LIMIT $4;

-- name: outcome
-- Whether these orders have what they wanted.
SELECT order_id::text AS saga_id,
       CASE WHEN status IN ('reserved', 'deducted') THEN 'fulfilled' ELSE 'undone' END AS entry
FROM reservation WHERE order_id = ANY ($1::text[]::uuid[]);

-- name: pieces
-- How many pieces are held for these orders, or have left the house.
SELECT order_id::text AS saga_id, sum(quantity)::text AS entry
FROM reservation JOIN reservation_line USING (order_id)
WHERE order_id = ANY ($1::text[]::uuid[]) AND status IN ('reserved', 'deducted')
GROUP BY order_id;

-- name: warehouses
-- From how many warehouses these orders' pieces come: one parcel leaves each.
SELECT order_id::text AS saga_id, count(DISTINCT warehouse)::text AS entry
FROM reservation JOIN reservation_line USING (order_id)
WHERE order_id = ANY ($1::text[]::uuid[]) AND status IN ('reserved', 'deducted')
GROUP BY order_id;

-- name: reserved_otherwise
-- Places where something else is reserved than open reservations hold.
SELECT NULL AS saga_id,
       format('%s in %s: %s reserved, %s held by orders', sku, warehouse, coalesce(reserved, 0), coalesce(held, 0)) AS detail
FROM stock FULL JOIN (
    SELECT sku, warehouse, sum(quantity) AS held FROM reservation JOIN reservation_line USING (order_id)
    WHERE status = 'reserved' GROUP BY sku, warehouse
) AS line USING (sku, warehouse)
WHERE coalesce(reserved, 0) <> coalesce(held, 0);

-- name: oversold
-- Places where more is reserved than there is, or less than nothing.
SELECT NULL AS saga_id, format('%s in %s: %s reserved of %s', sku, warehouse, reserved, on_hand) AS detail
FROM stock WHERE reserved > on_hand OR reserved < 0;
