-- name: finished
-- How many of these orders have come to an end.
SELECT count(*) FROM customer_order
WHERE order_id = ANY ($1::uuid[]) AND status IN ('fulfilled', 'rejected', 'cancelled');

-- name: statuses
-- How these orders have ended.
SELECT order_id, status, reason FROM customer_order WHERE order_id = ANY ($1::uuid[]);

-- name: moving
-- What is still to be done.
SELECT what, rows FROM (
    SELECT 'outbox' AS what, count(*) AS rows FROM saga.outbox UNION ALL SELECT 'calls', count(*) FROM saga.call
) AS counted WHERE rows > 0;

-- name: counted_twice
-- What participants said, and somebody handled more than once. Outsiders may say the same thing under several ids.
SELECT saga_id, type, times FROM tally WHERE times > 1 AND type NOT IN ('order.placed.v1', 'order.cancelled.v1');
