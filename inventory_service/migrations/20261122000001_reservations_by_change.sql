-- migrate:up
-- What has changed since an audit looked last is found without reading the rest. Such an index is a few pages in all,
-- and costs next to nothing to keep.
CREATE INDEX reservation_by_change ON reservation USING brin (changed_at);

-- migrate:down
DROP INDEX reservation_by_change;
