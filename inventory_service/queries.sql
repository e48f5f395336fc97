-- name: lock_stock
-- What these skus have everywhere, locked in the order of place: two transactions never wait in a circle.
SELECT sku, warehouse, on_hand - reserved AS available FROM stock
WHERE sku = ANY ($1::text[]) ORDER BY sku, warehouse FOR UPDATE;

-- name: save_decisions!
-- Remember the decision on each order, and hold the pieces of those that were reserved.
WITH line AS MATERIALIZED (
    SELECT * FROM unnest($4::uuid[], $5::text[], $6::text[], $7::bigint[]) AS line (order_id, sku, warehouse, quantity)
), decided AS (
    INSERT INTO reservation (order_id, status, reason) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])
), remembered AS (
    INSERT INTO reservation_line (order_id, sku, warehouse, quantity) SELECT * FROM line
)
UPDATE stock SET reserved = stock.reserved + held.quantity
FROM (SELECT sku, warehouse, sum(quantity) AS quantity FROM line GROUP BY sku, warehouse) AS held
WHERE stock.sku = held.sku AND stock.warehouse = held.warehouse;

-- name: lock_held
-- What is held for these orders; first its stock is locked, in the order of place.
WITH place AS MATERIALIZED (
    SELECT stock.sku, stock.warehouse FROM stock
    WHERE (stock.sku, stock.warehouse) IN (
        SELECT sku, warehouse FROM reservation_line WHERE order_id = ANY ($1::uuid[])
    )
    ORDER BY stock.sku, stock.warehouse FOR UPDATE
)
SELECT line.order_id, line.sku, line.warehouse, line.quantity
FROM reservation_line AS line JOIN reservation USING (order_id) JOIN place USING (sku, warehouse)
WHERE line.order_id = ANY ($1::uuid[]) AND reservation.status = 'reserved'
ORDER BY line.order_id, line.sku, line.warehouse
FOR UPDATE OF reservation;

-- name: rejected
-- Which of these orders inventory itself has refused, and why.
SELECT order_id, reason FROM reservation WHERE order_id = ANY ($1::uuid[]) AND status = 'rejected';

-- name: end_reservations!
-- These orders hold nothing any more.
UPDATE reservation SET status = $2, reason = coalesce(ended.reason, reservation.reason), changed_at = now()
FROM unnest($1::uuid[], $3::text[]) AS ended (order_id, reason)
WHERE reservation.order_id = ended.order_id AND status = 'reserved';

-- name: give_back!
-- Release held pieces to the shelf.
UPDATE stock SET reserved = stock.reserved - held.quantity
FROM (
    SELECT sku, warehouse, sum(quantity) AS quantity
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS line (sku, warehouse, quantity) GROUP BY sku, warehouse
) AS held
WHERE stock.sku = held.sku AND stock.warehouse = held.warehouse;

-- name: take_away!
-- Take held pieces off the shelf.
UPDATE stock SET reserved = stock.reserved - held.quantity, on_hand = stock.on_hand - held.quantity
FROM (
    SELECT sku, warehouse, sum(quantity) AS quantity
    FROM unnest($1::text[], $2::text[], $3::bigint[]) AS line (sku, warehouse, quantity) GROUP BY sku, warehouse
) AS held
WHERE stock.sku = held.sku AND stock.warehouse = held.warehouse;

-- name: all_stock
-- Every sku in every warehouse.
SELECT sku, warehouse, on_hand, reserved FROM stock ORDER BY sku, warehouse;

-- name: stock_of
-- One sku in every warehouse.
SELECT sku, warehouse, on_hand, reserved FROM stock WHERE sku = $1 ORDER BY warehouse;

-- name: count_stock
-- Set what is on hand in one place, unless more is reserved there; the sku, if it was set.
INSERT INTO stock (sku, warehouse, on_hand) VALUES ($1, $2, $3)
ON CONFLICT (sku, warehouse) DO UPDATE SET on_hand = excluded.on_hand WHERE stock.reserved <= excluded.on_hand
RETURNING sku;

-- name: reservation_of
-- What was decided on an order.
SELECT order_id, status, reason FROM reservation WHERE order_id = $1;

-- name: lines_of
-- What is or was held for an order.
SELECT sku, warehouse, quantity FROM reservation_line WHERE order_id = $1 ORDER BY sku, warehouse;

-- name: forget
-- Forget reservations that hold nothing and have not changed for so long: the oldest, at most so many; how many there
-- were.
WITH old AS MATERIALIZED (
    SELECT order_id FROM reservation
    WHERE opened_at < now() - $1::interval AND changed_at < now() - $1::interval AND status <> 'reserved'
    ORDER BY opened_at LIMIT $2 FOR UPDATE SKIP LOCKED
), lines AS (
    DELETE FROM reservation_line AS line USING old WHERE line.order_id = old.order_id
), gone AS (
    DELETE FROM reservation USING old WHERE reservation.order_id = old.order_id RETURNING 1
)
SELECT count(*) FROM gone;
