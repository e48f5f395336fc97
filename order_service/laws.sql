-- name: sagas
-- The orders of which something has been heard.
SELECT order_id::text AS saga_id, seen_at AS opened_at FROM customer_order
WHERE seen_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR order_id > $3::uuid)
ORDER BY order_id LIMIT $4;

-- name: outcome
-- How these orders have ended, if they have.
SELECT order_id::text AS saga_id,
       CASE WHEN status = 'fulfilled' THEN 'fulfilled' WHEN status IN ('rejected', 'cancelled') THEN 'undone' END AS entry
FROM customer_order WHERE order_id = ANY ($1::text[]::uuid[]);

-- name: money
-- What these orders have brought: their amount, if they are fulfilled.
SELECT order_id::text AS saga_id,
       CASE WHEN status IN ('rejected', 'cancelled') OR (status = 'fulfilled' AND amount = 0) THEN '0'
            WHEN status = 'fulfilled' THEN amount || ' ' || (details ->> 'currency') END AS entry
FROM customer_order WHERE order_id = ANY ($1::text[]::uuid[]);

-- name: pieces
-- How many pieces these orders have taken: all of their lines, if they are fulfilled.
SELECT order_id::text AS saga_id,
       CASE WHEN status IN ('rejected', 'cancelled') THEN '0'
            WHEN status = 'fulfilled' THEN (
                SELECT sum((line ->> 'quantity')::bigint)::text FROM jsonb_array_elements(details -> 'lines') AS line
            ) END AS entry
FROM customer_order WHERE order_id = ANY ($1::text[]::uuid[]);
