-- name: send!
-- Send under a key, unless it was used before.
INSERT INTO mail.sent (idempotency_key, term_id, recipient, subject) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;
