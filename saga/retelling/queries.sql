-- name: count_said
-- How much was said in that time, by type.
SELECT routing_key AS type, count(*) AS events FROM saga.said
WHERE said_at >= $1 AND said_at < $2
  AND ($3::text IS NULL OR routing_key = $3) AND ($4::text IS NULL OR saga_id = $4)
GROUP BY routing_key ORDER BY routing_key;

-- name: say_again
-- Have the next events that were said in that time published again, in the order in which they were said: how many there
-- were, and the last that was looked at.
WITH next AS MATERIALIZED (
    SELECT said_at, id FROM saga.said
    WHERE said_at >= $1 AND said_at < $2 AND (said_at, id) > ($1, $3::uuid)
      AND ($4::text IS NULL OR routing_key = $4) AND ($5::text IS NULL OR saga_id = $5)
    ORDER BY said_at, id LIMIT $6
), told AS (
    INSERT INTO saga.outbox (id, said_at) SELECT id, said_at FROM next
    ON CONFLICT (id) DO UPDATE SET due_at = excluded.due_at, returns = 0
    RETURNING 1
)
SELECT said_at, id, (SELECT count(*) FROM told) AS told FROM next ORDER BY said_at DESC, id DESC LIMIT 1;

-- name: waiting
-- How much waits in the outbox, without what the broker can't route.
SELECT count(*) FROM saga.outbox WHERE due_at < 'infinity';
