-- name: grant
-- Let a subscription in for a term, if its plan has a place; whether it had.
WITH place AS (
    UPDATE plan SET taken = taken + 1 WHERE name = $3 AND taken < places RETURNING name
), door AS (
    INSERT INTO door (subscription_id, open) SELECT $2, true FROM place
    ON CONFLICT (subscription_id) DO UPDATE SET open = true
)
INSERT INTO pass (term_id, subscription_id) SELECT $1, $2 FROM place RETURNING true;

-- name: end_access!
-- Shut a subscription's door.
UPDATE door SET open = false WHERE subscription_id = $1;

-- name: sagas
-- The terms for which somebody was let in.
SELECT term_id::text AS saga_id, opened_at FROM pass
WHERE opened_at >= greatest($1, $2::timestamptz) AND ($3::text IS NULL OR term_id > $3::uuid)
ORDER BY term_id LIMIT $4;

-- name: granted
-- Whether somebody was let in for these terms.
SELECT term_id::text AS saga_id, 'yes' AS entry FROM pass WHERE term_id = ANY ($1::text[]::uuid[]);

-- name: let_in_for_nothing
-- Open doors for which there is no pass.
SELECT NULL AS saga_id, format('subscription %s', subscription_id) AS detail
FROM door WHERE open AND NOT EXISTS (SELECT FROM pass WHERE pass.subscription_id = door.subscription_id);
