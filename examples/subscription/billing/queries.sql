-- name: open_term
-- Remember a term that is to be charged; its price.
INSERT INTO term (term_id, subscription_id, number, terms, customer, plan, card, price, status)
SELECT $1, $2, $3, $4, $5, name, $7, price, 'charging' FROM plan WHERE name = $6
RETURNING price;

-- name: mark!
-- Remember what has become of a charge.
UPDATE term SET status = $2, changed_at = now() WHERE term_id = $1;

-- name: begin_refund
-- Remember that what was paid goes back; how much that is.
UPDATE term SET status = 'refunding', changed_at = now() WHERE term_id = $1 AND status = 'paid' RETURNING price;

-- name: begin_term!
-- Have a paid term run for as long as its plan says.
UPDATE term SET status = 'running', ends_at = now() + plan.lasts, changed_at = now()
FROM plan WHERE term_id = $1 AND term.plan = plan.name AND status = 'paid';

-- name: end_terms
-- End terms that are over, and tell of those that another one follows.
WITH over AS MATERIALIZED (
    SELECT term_id FROM term WHERE status = 'running' AND number < terms AND ends_at <= now()
    ORDER BY ends_at LIMIT $1 FOR UPDATE SKIP LOCKED
)
UPDATE term SET status = 'over', changed_at = now() FROM over WHERE term.term_id = over.term_id
RETURNING subscription_id, number, terms, customer, plan, card;

-- name: sagas
-- The terms that we or the card network know.
SELECT term_id::text AS saga_id, opened_at FROM term
WHERE opened_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR term_id > $3::uuid)
ORDER BY term_id LIMIT $4;

-- name: earned
-- How much these terms have brought; null while nobody can tell.
SELECT term_id::text AS saga_id,
       CASE WHEN status IN ('running', 'over') THEN price::text WHEN status IN ('declined', 'refunded') THEN '0' END
           AS entry
FROM term WHERE term_id = ANY ($1::text[]::uuid[]);

-- name: moved
-- The same by the card network's own books.
SELECT reference::text AS saga_id, sum(amount)::text AS entry FROM cards.movement
WHERE reference = ANY ($1::text[]::uuid[]) GROUP BY reference;

-- name: entitled
-- Whether the customers of these terms may come in; null while nobody can tell.
SELECT term_id::text AS saga_id,
       CASE WHEN status IN ('running', 'over') THEN 'yes' WHEN status IN ('declined', 'refunded') THEN 'no' END
           AS entry
FROM term WHERE term_id = ANY ($1::text[]::uuid[]);
