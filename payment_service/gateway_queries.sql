-- name: charge
-- Charge under the key, unless it was used before; why that was declined, if it was.
INSERT INTO gateway.charge AS known (idempotency_key, charge_id, amount, currency, declined) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (idempotency_key) DO UPDATE SET charge_id = known.charge_id
RETURNING declined;

-- name: refund!
-- Refund under the key, unless it was used before.
INSERT INTO gateway.refund (idempotency_key, charge_id, amount) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;
