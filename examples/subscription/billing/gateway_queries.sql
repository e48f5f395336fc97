-- name: charge
-- Charge for a term under a key, unless it was used before; why that was declined, if it was.
INSERT INTO cards.movement AS known (idempotency_key, reference, amount, declined) VALUES ($1, $2, $3, $4)
ON CONFLICT (idempotency_key) DO UPDATE SET amount = known.amount
RETURNING declined;

-- name: refund!
-- Refund under the key, unless it was used before.
INSERT INTO cards.movement (idempotency_key, reference, amount) VALUES ($1, $2, -$3::bigint) ON CONFLICT DO NOTHING;
