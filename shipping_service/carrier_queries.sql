-- name: book!
-- Book for orders under these keys, unless they were used before.
INSERT INTO carrier.booking (idempotency_key, tracking, reference)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[]) ON CONFLICT DO NOTHING;

-- name: cancel!
-- Cancel these bookings; those that are cancelled stay so.
UPDATE carrier.booking SET cancelled = true, changed_at = now() WHERE tracking = ANY ($1::text[]) AND NOT cancelled;
