-- migrate:up
-- The outside world's own books.
CREATE SCHEMA mail;
CREATE TABLE mail.sent (
    idempotency_key uuid        NOT NULL,
    term_id         uuid        NOT NULL,
    recipient       text        NOT NULL,
    subject         text        NOT NULL,
    sent_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sent_once_per_key PRIMARY KEY (idempotency_key)
);
CREATE INDEX sent_by_term ON mail.sent (term_id);

-- migrate:down
DROP SCHEMA mail CASCADE;
