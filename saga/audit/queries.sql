-- name: on_their_way
-- Of which of these sagas an event is still to be published, or a call open.
SELECT DISTINCT saga_id, 'an event of it to publish' AS what FROM saga.outbox JOIN saga.said USING (id, said_at)
WHERE saga_id = ANY ($1::text[])
UNION ALL
SELECT DISTINCT saga_id, 'an open call of it' FROM saga.call WHERE saga_id = ANY ($1::text[]);

-- name: traces
-- Which steps of these sagas were entered, and what has become of them.
SELECT saga_id, string_agg(step || ' ' || state, ', ' ORDER BY step) AS trace
FROM saga.fence WHERE saga_id = ANY ($1::text[]) GROUP BY saga_id;

-- name: backlog
-- What is still to be published or called, of all sagas.
SELECT (SELECT count(*) FROM saga.outbox) AS events, (SELECT count(*) FROM saga.call) AS calls;
