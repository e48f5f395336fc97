-- name: sagas
-- The orders that we or the carrier know.
SELECT saga_id, min(opened_at) AS opened_at FROM (
    (SELECT order_id::text COLLATE "C" AS saga_id, opened_at FROM shipment
     WHERE opened_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR order_id > $3::uuid)
     ORDER BY order_id LIMIT $4)
    UNION ALL
    (SELECT DISTINCT ON (booking.reference) reference::text, made_at FROM carrier.booking
     WHERE made_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR reference > $3::uuid) AND reference IS NOT NULL
     ORDER BY booking.reference LIMIT $4)
) AS known
GROUP BY saga_id ORDER BY saga_id LIMIT $4;

-- name: outcome
-- Whether these orders' parcels are on their way to the customer, or will be.
SELECT order_id::text AS saga_id,
       CASE WHEN status IN ('scheduled', 'dispatched') THEN 'fulfilled'
            WHEN status IN ('rejected', 'cancelled') THEN 'undone' END AS entry
FROM shipment WHERE order_id = ANY ($1::text[]::uuid[]);

-- name: parcels
-- How many parcels these orders have.
SELECT order_id::text AS saga_id,
       CASE WHEN status IN ('scheduled', 'dispatched') THEN count(parcel_id)::text
            WHEN status IN ('rejected', 'cancelled') THEN '0' END AS entry
FROM shipment LEFT JOIN parcel USING (order_id)
WHERE order_id = ANY ($1::text[]::uuid[])
GROUP BY order_id;

-- name: bookings
-- The same by the carrier's own books.
SELECT reference::text AS saga_id, count(*) FILTER (WHERE NOT cancelled)::text AS entry FROM carrier.booking
WHERE reference = ANY ($1::text[]::uuid[])
GROUP BY reference;

-- name: nameless_bookings
-- Bookings of which nobody can tell what they are for.
SELECT NULL AS saga_id, tracking AS detail FROM carrier.booking WHERE reference IS NULL AND NOT cancelled;
