-- name: sagas
-- The orders that the ledger or the gateway knows.
SELECT saga_id, min(opened_at) AS opened_at FROM (
    (SELECT order_id::text COLLATE "C" AS saga_id, opened_at FROM payment
     WHERE opened_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR order_id > $3::uuid)
     ORDER BY order_id LIMIT $4)
    UNION ALL
    (SELECT DISTINCT ON (charge.reference) reference::text, made_at FROM gateway.charge
     WHERE made_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR reference > $3::uuid) AND reference IS NOT NULL
     ORDER BY charge.reference LIMIT $4)
) AS known
GROUP BY saga_id ORDER BY saga_id LIMIT $4;

-- name: outcome
-- Whether the money of these orders is ours.
SELECT order_id::text AS saga_id,
       CASE WHEN status = 'captured' THEN 'fulfilled' WHEN status IN ('declined', 'refunded') THEN 'undone' END AS entry
FROM payment WHERE order_id = ANY ($1::text[]::uuid[]);

-- name: ledger_money
-- What these orders have brought: what was captured, less what went back.
SELECT order_id::text AS saga_id,
       CASE WHEN status IN ('pending', 'refunding') THEN NULL
            WHEN captured = refunded THEN '0'
            ELSE captured - refunded || ' ' || currency END AS entry
FROM payment WHERE order_id = ANY ($1::text[]::uuid[]);

-- name: gateway_money
-- The same by the gateway's own books, in every currency in which something is left.
SELECT reference::text AS saga_id,
       coalesce(string_agg(kept || ' ' || currency, ', ' ORDER BY currency) FILTER (WHERE kept <> 0), '0') AS entry
FROM (
    SELECT reference, currency, sum(amount - coalesce(given_back, 0)) AS kept
    FROM gateway.charge LEFT JOIN LATERAL (
        SELECT sum(refund.amount) AS given_back FROM gateway.refund WHERE refund.charge_id = charge.charge_id
    ) AS refunds ON true
    WHERE reference = ANY ($1::text[]::uuid[]) AND declined IS NULL
    GROUP BY reference, currency
) AS charges
GROUP BY reference;

-- name: ledger_charges
-- How often these orders were charged: once, or not at all.
SELECT order_id::text AS saga_id,
       CASE WHEN status IN ('pending', 'refunding') THEN NULL WHEN charge_id IS NULL THEN '0' ELSE '1' END AS entry
FROM payment WHERE order_id = ANY ($1::text[]::uuid[]);

-- name: gateway_charges
-- The same by the gateway's own books.
SELECT reference::text AS saga_id, count(*)::text AS entry FROM gateway.charge
WHERE reference = ANY ($1::text[]::uuid[]) AND declined IS NULL
GROUP BY reference;

-- name: nameless_charges
-- Charges of which nobody can tell what they are for.
SELECT NULL AS saga_id, format('%s of %s %s', charge_id, amount, currency) AS detail
FROM gateway.charge WHERE reference IS NULL AND declined IS NULL;
