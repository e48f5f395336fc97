-- name: charge
-- Charge for an order under the key, unless it was used before; why that was declined, if it was.
INSERT INTO gateway.charge AS known (idempotency_key, charge_id, amount, currency, reference, declined)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (idempotency_key) DO UPDATE SET charge_id = known.charge_id
RETURNING declined;

-- name: refund!
-- Refund under the key, unless it was used before.
WITH made AS (
    INSERT INTO gateway.refund (idempotency_key, charge_id, amount) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
    RETURNING charge_id
)
UPDATE gateway.charge SET changed_at = now() FROM made WHERE charge.charge_id = made.charge_id;
