-- name: open_payments!
-- Remember what is about to be captured.
INSERT INTO payment (order_id, payment_id, status, amount, currency)
SELECT order_id, payment_id, 'pending', amount, currency
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS payment (order_id, payment_id, amount, currency);

-- name: record_answers
-- The gateway has the money, and its name for that; or it refused, and why. Our ids of the payments.
UPDATE payment SET
    status = CASE WHEN answer.charge_id IS NULL THEN 'declined' ELSE 'captured' END,
    captured = CASE WHEN answer.charge_id IS NULL THEN 0 ELSE amount END,
    charge_id = answer.charge_id, reason = answer.reason, changed_at = now()
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS answer (order_id, charge_id, reason)
WHERE payment.order_id = answer.order_id
RETURNING payment.order_id, payment_id;

-- name: record_refused!
-- Nobody was asked for money; how much it would have been isn't known (ISO 4217: XXX is no currency).
INSERT INTO payment (order_id, payment_id, status, amount, currency, reason) VALUES ($1, $2, 'declined', 0, 'XXX', $3);

-- name: lock_payment
-- A payment that nobody else changes meanwhile.
SELECT order_id, payment_id, status, amount, currency, captured, refunded, charge_id, reason
FROM payment WHERE order_id = $1 FOR UPDATE;

-- name: begin_refund!
-- The money is about to go back.
UPDATE payment SET status = 'refunding', changed_at = now() WHERE order_id = $1;

-- name: record_refunded!
-- The money has gone back.
UPDATE payment SET status = 'refunded', refunded = $2, changed_at = now() WHERE order_id = $1;

-- name: payment_of
-- How things stand with an order's money.
SELECT order_id, payment_id, status, amount, currency, captured, refunded, charge_id, reason
FROM payment WHERE order_id = $1;

-- name: close_payments!
-- The parcels have left: no order that is undone asks for this money any more.
UPDATE payment SET closed_at = now(), changed_at = now() WHERE order_id = ANY ($1::uuid[]) AND closed_at IS NULL;

-- name: forget
-- Forget payments that have ended and not changed for so long: the oldest, at most so many; how many there were. Money
-- that may still have to go back is never forgotten.
WITH old AS MATERIALIZED (
    SELECT order_id FROM payment
    WHERE opened_at < now() - $1::interval AND changed_at < now() - $1::interval
      AND (status IN ('declined', 'refunded') OR status = 'captured' AND closed_at IS NOT NULL)
    ORDER BY opened_at LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM payment USING old WHERE payment.order_id = old.order_id RETURNING 1
)
SELECT count(*) FROM gone;
