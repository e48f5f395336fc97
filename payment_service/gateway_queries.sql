-- name: charge
-- Charge for orders under these keys, unless they were used before; why that was declined, if it was.
INSERT INTO gateway.charge AS known (idempotency_key, charge_id, amount, currency, reference, declined)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::uuid[], $6::text[])
ON CONFLICT (idempotency_key) DO UPDATE SET charge_id = known.charge_id
RETURNING idempotency_key, declined;

-- name: refund!
-- Refund under the key, unless it was used before.
WITH made AS (
    INSERT INTO gateway.refund (idempotency_key, charge_id, amount) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
    RETURNING charge_id
)
UPDATE gateway.charge SET changed_at = now() FROM made WHERE charge.charge_id = made.charge_id;
