-- name: book
-- Take a room in a city, if one is free; the booking's number.
WITH free AS (
    UPDATE offer SET taken = taken + 1 WHERE city = $2 AND taken < rooms RETURNING city
)
INSERT INTO booking (trip_id, city) SELECT $1, city FROM free RETURNING number;

-- name: cancel!
-- Give back the room that was taken for a trip.
WITH gone AS (
    UPDATE booking SET cancelled = true, changed_at = now() WHERE trip_id = $1 AND NOT cancelled RETURNING city
)
UPDATE offer SET taken = taken - 1 FROM gone WHERE offer.city = gone.city;

-- name: sagas
-- The trips that have had a room.
SELECT trip_id::text AS saga_id, opened_at FROM booking
WHERE opened_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR trip_id > $3::uuid)
ORDER BY trip_id LIMIT $4;

-- name: taken
-- Whether these trips have a room.
SELECT trip_id::text AS saga_id, CASE WHEN cancelled THEN 'undone' ELSE 'confirmed' END AS entry
FROM booking WHERE trip_id = ANY ($1::text[]::uuid[]);

-- name: miscounted
-- Cities in which more or fewer rooms are taken than booked.
SELECT NULL AS saga_id, format('%s: %s taken, %s booked', city, taken, booked) AS detail
FROM (
    SELECT city, taken, (SELECT count(*) FROM booking WHERE booking.city = offer.city AND NOT cancelled) AS booked
    FROM offer
) AS counted
WHERE taken <> booked;
