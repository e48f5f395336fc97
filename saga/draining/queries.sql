-- name: said
-- Events that wait to be published, the oldest first, and how many there are.
SELECT id::text, routing_key, saga_id, body, count(*) OVER () AS waiting
FROM saga.outbox JOIN saga.said USING (id, said_at) ORDER BY id LIMIT $1;

-- name: called
-- Calls whose outcome isn't known, the oldest first, and how many there are.
SELECT id, saga_id, step, type, request, causationid, traceparent, attempts, undo_step, undo,
       count(*) OVER () AS waiting
FROM saga.call ORDER BY opened_at LIMIT $1;
