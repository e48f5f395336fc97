-- name: place_order
-- Remember an order that came through our own door, unless it is known; its id, if it was new. It is new even if a
-- cancellation came before it.
INSERT INTO customer_order AS known (order_id, status, details, amount, idempotency_key)
VALUES ($1, 'placed', $2, $3, $4)
ON CONFLICT (order_id) DO UPDATE SET
    details = excluded.details, amount = excluded.amount, idempotency_key = excluded.idempotency_key
WHERE known.details IS NULL
RETURNING order_id;

-- name: add_unknown!
-- Make rows for orders of which something has been heard for the first time.
INSERT INTO customer_order (order_id, status) SELECT order_id, 'placed' FROM unnest($1::uuid[]) AS order_id
ON CONFLICT DO NOTHING;

-- name: lock_orders
-- What is known of these orders, locked in the order of their ids.
SELECT order_id, status, reason, heard FROM customer_order
WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id FOR UPDATE;

-- name: save_progress!
-- What is known of these orders now.
UPDATE customer_order SET
    status = news.status, reason = news.reason, heard = string_to_array(news.heard, ' '),
    details = coalesce(customer_order.details, news.details), amount = coalesce(customer_order.amount, news.amount),
    changed_at = now()
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::bigint[])
    AS news (order_id, status, reason, heard, details, amount)
WHERE customer_order.order_id = news.order_id;

-- name: order_of
-- One order.
SELECT order_id, status, reason, heard, details, amount, seen_at, changed_at FROM customer_order WHERE order_id = $1;

-- name: order_by_key
-- The order that was placed under an idempotency key.
SELECT order_id, status, reason, heard, details, amount, seen_at, changed_at FROM customer_order
WHERE idempotency_key = $1;

-- name: list_orders
-- Orders from the newest, of one status or of any, after a page that ended with a certain order.
SELECT order_id, status, reason, heard, details, amount, seen_at, changed_at FROM customer_order
WHERE ($1::text IS NULL OR status = $1)
  AND ($2::uuid IS NULL OR (seen_at, order_id) < (SELECT seen_at, order_id FROM customer_order WHERE order_id = $2))
ORDER BY seen_at DESC, order_id DESC LIMIT $3;
