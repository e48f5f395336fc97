-- migrate:up
-- Until when an order is to be fulfilled, in seconds from when it was first heard of; by default the service's setting.
ALTER TABLE customer_order ADD COLUMN fulfil_within bigint;
-- The orders that a deadline may still end: few, so that each look is cheap.
CREATE INDEX customer_order_unfinished ON customer_order (seen_at) WHERE status = 'placed';

-- migrate:down
DROP INDEX customer_order_unfinished;
ALTER TABLE customer_order DROP COLUMN fulfil_within;
