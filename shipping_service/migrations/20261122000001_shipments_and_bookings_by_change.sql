-- migrate:up
-- What has changed since an audit looked last is found without reading the rest. Such an index is a few pages in all,
-- and costs next to nothing to keep.
CREATE INDEX shipment_by_change ON shipment USING brin (changed_at);

ALTER TABLE carrier.booking ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(); -- a cancellation changes it
CREATE INDEX booking_by_change ON carrier.booking USING brin (changed_at);

-- migrate:down
ALTER TABLE carrier.booking DROP COLUMN changed_at;
DROP INDEX shipment_by_change;
