-- name: figures
-- What was heard in the last ten whole seconds, and what went wrong and how long it took in the last five minutes, by
-- subject.
SELECT subject,
       coalesce(sum(said) FILTER (WHERE at >= date_trunc('second', now()) - interval '10 seconds'), 0)::bigint AS said,
       sum(said)::bigint AS lately, sum(seconds) AS seconds,
       sum(refused)::bigint AS refused, sum(retried)::bigint AS retried, sum(parked)::bigint AS parked
FROM tick WHERE at >= date_trunc('second', now()) - interval '5 minutes' AND at < date_trunc('second', now())
GROUP BY subject;

-- name: parked
-- Messages that sagas are stuck for, the longest parked first: those of which nothing was heard since they parked.
SELECT saga_id, service, id, type, at, attempt, error, diversion.reason FROM (
    SELECT DISTINCT ON (saga_id, service, id) diversion.* FROM saga JOIN diversion USING (saga_id)
    WHERE saga.state = 'stuck' AND saga.reason = 'parked'
    ORDER BY saga_id, service, id, at DESC
) AS diversion
WHERE course = 'parked' ORDER BY at, service, id LIMIT $1;

-- name: ended
-- How many sagas have ended, by how: at most one more than `$2` of each are counted.
SELECT ending.state, (SELECT count(*) FROM (SELECT FROM saga WHERE state = ending.state LIMIT $2 + 1) AS few) AS sagas
FROM unnest($1::text[]) AS ending (state);
