-- name: charge!
-- Charge under the key, unless it was used before.
INSERT INTO gateway.charge (idempotency_key, charge_id, amount, currency, declined) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING;

-- name: charge_by_key
-- What was answered under the key.
SELECT charge_id, declined FROM gateway.charge WHERE idempotency_key = $1;

-- name: refund!
-- Refund under the key, unless it was used before.
INSERT INTO gateway.refund (idempotency_key, charge_id, amount) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;
