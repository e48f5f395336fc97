-- migrate:up
-- Until when an order is to be fulfilled, if it says so itself; else the service's setting counts from `seen_at` on.
ALTER TABLE customer_order ADD COLUMN fulfil_by timestamptz;
-- Orders that are not finished are few, so each look at who is late or waits is cheap.
CREATE INDEX customer_order_unfinished ON customer_order (status, seen_at) WHERE status IN ('placed', 'undoing');
CREATE INDEX customer_order_due ON customer_order (fulfil_by) WHERE status = 'placed' AND fulfil_by IS NOT NULL;

-- migrate:down
DROP INDEX customer_order_due;
DROP INDEX customer_order_unfinished;
ALTER TABLE customer_order DROP COLUMN fulfil_by;
