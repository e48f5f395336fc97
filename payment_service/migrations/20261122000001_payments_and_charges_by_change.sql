-- migrate:up
-- What has changed since an audit looked last is found without reading the rest. Such an index is a few pages in all,
-- and costs next to nothing to keep.
CREATE INDEX payment_by_change ON payment USING brin (changed_at);

ALTER TABLE gateway.charge ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(); -- a refund changes it
CREATE INDEX charge_by_change ON gateway.charge USING brin (changed_at);

-- migrate:down
ALTER TABLE gateway.charge DROP COLUMN changed_at;
DROP INDEX payment_by_change;
