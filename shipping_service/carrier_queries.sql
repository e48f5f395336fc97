-- name: book!
-- Book under these keys, unless they were used before.
INSERT INTO carrier.booking (idempotency_key, tracking)
SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING;

-- name: cancel!
-- Cancel these bookings; those that are cancelled stay so.
UPDATE carrier.booking SET cancelled = true WHERE tracking = ANY ($1::text[]);
