-- migrate:up
-- An order changes three times or more soon after it was placed. Where its page has room, that touches no index.
ALTER TABLE customer_order SET (fillfactor = 45);

-- Most orders come without a key of their own, and need no place in the index of those.
ALTER TABLE customer_order DROP CONSTRAINT customer_order_one_per_key;
CREATE UNIQUE INDEX customer_order_one_per_key ON customer_order (idempotency_key) WHERE idempotency_key IS NOT NULL;

-- migrate:down
DROP INDEX customer_order_one_per_key;
ALTER TABLE customer_order ADD CONSTRAINT customer_order_one_per_key UNIQUE (idempotency_key);
ALTER TABLE customer_order SET (fillfactor = 70);
