-- migrate:up
-- What has changed since an audit looked last is found without reading the rest. Such an index is a few pages in all,
-- and costs next to nothing to keep.
CREATE INDEX customer_order_by_change ON customer_order USING brin (changed_at);

-- migrate:down
DROP INDEX customer_order_by_change;
