-- name: place_order
-- Remember an order that came through our own door, unless it is known; its id, if it was new. It is new even if a
-- cancellation came before it.
INSERT INTO customer_order AS known (order_id, status, details, amount, fulfil_by, idempotency_key)
VALUES ($1, 'placed', $2, $3, now() + $4::bigint * interval '1 second', $5)
ON CONFLICT (order_id) DO UPDATE SET
    details = excluded.details, amount = excluded.amount, idempotency_key = excluded.idempotency_key,
    fulfil_by = known.seen_at + $4::bigint * interval '1 second'
WHERE known.details IS NULL
RETURNING order_id;

-- name: lock_orders
-- What is known of these orders, locked in the order of their ids.
SELECT order_id, status, reason, heard FROM customer_order
WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id FOR UPDATE;

-- name: add_orders
-- Remember orders of which something has been heard for the first time; those that nobody else has just added.
INSERT INTO customer_order (order_id, status, reason, heard, details, amount, fulfil_by)
SELECT order_id, status, reason, string_to_array(heard, ' '), details, amount, now() + fulfil_within * interval '1 second'
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::bigint[], $7::bigint[])
    AS news (order_id, status, reason, heard, details, amount, fulfil_within)
ORDER BY order_id
ON CONFLICT DO NOTHING
RETURNING order_id;

-- name: save_progress!
-- What is known of these orders now.
UPDATE customer_order SET
    status = news.status, reason = news.reason, heard = string_to_array(news.heard, ' '),
    details = coalesce(customer_order.details, news.details), amount = coalesce(customer_order.amount, news.amount),
    fulfil_by = coalesce(fulfil_by, seen_at + news.fulfil_within * interval '1 second'), changed_at = now()
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::bigint[], $7::bigint[])
    AS news (order_id, status, reason, heard, details, amount, fulfil_within)
WHERE customer_order.order_id = news.order_id;

-- name: lock_late
-- Orders that are not fulfilled though the time is up, their own or else the usual: at most so many of either kind.
-- Nobody else changes them before the transaction ends; those that somebody is changing are left for the next look.
SELECT order_id FROM customer_order
WHERE status = 'placed' AND order_id IN (
    (SELECT order_id FROM customer_order
     WHERE status = 'placed' AND fulfil_by <= now() ORDER BY fulfil_by LIMIT $2)
    UNION ALL
    (SELECT order_id FROM customer_order
     WHERE status = 'placed' AND fulfil_by IS NULL AND seen_at <= now() - $1::interval ORDER BY seen_at LIMIT $2)
)
FOR UPDATE SKIP LOCKED;

-- name: unfinished
-- How many orders are not finished, and for how many seconds the oldest of them has been known.
SELECT 'placed' AS status, count(*) AS sagas, coalesce(extract(epoch FROM now() - min(seen_at)), 0)::float8 AS age
FROM customer_order WHERE status = 'placed'
UNION ALL
SELECT 'undoing', count(*), coalesce(extract(epoch FROM now() - min(seen_at)), 0)::float8
FROM customer_order WHERE status = 'undoing';

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

-- name: forget
-- Forget orders that have ended and not changed for so long: the oldest, at most so many; how many there were. Whose
-- parcels have left has ended when the pieces are off the shelf, or when a cancellation was refused.
WITH old AS MATERIALIZED (
    SELECT order_id FROM customer_order
    WHERE seen_at < now() - $1::interval AND changed_at < now() - $1::interval
      AND (status IN ('rejected', 'cancelled')
           OR status = 'fulfilled' AND heard && ARRAY['stock.deducted.v1', 'shipment.cancellation_refused.v1'])
    ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM customer_order USING old WHERE customer_order.order_id = old.order_id RETURNING 1
)
SELECT count(*) FROM gone;
