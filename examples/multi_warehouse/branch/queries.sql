-- name: receive
-- Take pieces into the store room, if there is room for them; whether there was.
WITH placed AS (
    UPDATE stock SET stored = stored + $3 WHERE sku = $2 AND stored + on_hand + $3 <= room RETURNING sku
)
INSERT INTO receipt (transfer_id, sku, quantity) SELECT $1, sku, $3 FROM placed RETURNING true;

-- name: shelve
-- Put the pieces of a transfer onto the shelf, if they are in the store room; whether they were.
WITH shelved AS (
    UPDATE receipt SET status = 'shelved', changed_at = now()
    WHERE transfer_id = $1 AND status = 'stored' RETURNING sku, quantity
)
UPDATE stock SET stored = stored - quantity, on_hand = on_hand + quantity FROM shelved WHERE stock.sku = shelved.sku
RETURNING true;

-- name: send_back
-- Take the pieces of a transfer out of the store room, if they are there; where they are now.
WITH sent AS (
    UPDATE receipt SET status = 'sent back', changed_at = now()
    WHERE transfer_id = $1 AND status = 'stored' RETURNING sku, quantity
), freed AS (
    UPDATE stock SET stored = stored - quantity FROM sent WHERE stock.sku = sent.sku
)
SELECT status FROM receipt WHERE transfer_id = $1;

-- name: stock
-- How many pieces of a sku are on the shelf and in the store room, and how many there is room for.
SELECT sku, on_hand, stored, room FROM stock WHERE sku = $1;

-- name: sagas
-- The transfers that have come to the branch.
SELECT transfer_id::text AS saga_id, opened_at FROM receipt
WHERE opened_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR transfer_id > $3::uuid)
ORDER BY transfer_id LIMIT $4;

-- name: here
-- How many pieces of these transfers are here.
SELECT transfer_id::text AS saga_id, CASE WHEN status = 'sent back' THEN '0' ELSE quantity::text END AS entry
FROM receipt WHERE transfer_id = ANY ($1::text[]::uuid[]);

-- name: miscounted
-- Skus of which more or fewer pieces are here than have come.
SELECT NULL AS saga_id, format('%s: %s stored and %s on hand, %s came', sku, stored, on_hand, came) AS detail
FROM (
    SELECT sku, stored, on_hand, (
        SELECT coalesce(sum(quantity), 0) FROM receipt WHERE receipt.sku = stock.sku AND status <> 'sent back'
    ) AS came
    FROM stock
) AS shelves
WHERE stored + on_hand <> came;
