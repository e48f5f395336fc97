-- name: note!
-- Remember that a trip is wanted, or wanted no more; one that is undone stays so.
INSERT INTO trip (trip_id, status) VALUES ($1, $2)
ON CONFLICT (trip_id) DO UPDATE SET status = excluded.status, changed_at = now()
WHERE excluded.status = 'undoing' AND trip.status <> 'undone';

-- name: settle!
-- Remember what has become of a trip; one that is being undone can't be confirmed.
INSERT INTO trip (trip_id, status) VALUES ($1, $2)
ON CONFLICT (trip_id) DO UPDATE SET status = excluded.status, changed_at = now()
WHERE excluded.status = 'undone' OR trip.status <> 'undoing';

-- name: trip
-- How a trip stands.
SELECT status FROM trip WHERE trip_id = $1;

-- name: sagas
-- The trips that there are.
SELECT trip_id::text AS saga_id, opened_at FROM trip
WHERE opened_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR trip_id > $3::uuid)
ORDER BY trip_id LIMIT $4;

-- name: outcome
-- What has become of these trips; null while nobody can tell.
SELECT trip_id::text AS saga_id, CASE WHEN status IN ('confirmed', 'undone') THEN status END AS entry
FROM trip WHERE trip_id = ANY ($1::text[]::uuid[]);
