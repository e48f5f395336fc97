-- migrate:up
-- Every row changes soon after it was written. Where its page has room, that touches no index; the rows are small.
ALTER TABLE payment SET (fillfactor = 45);

ALTER TABLE gateway.charge ALTER COLUMN charge_id TYPE text COLLATE "C";
ALTER TABLE gateway.refund ALTER COLUMN charge_id TYPE text COLLATE "C";

-- migrate:down
ALTER TABLE gateway.refund ALTER COLUMN charge_id TYPE text COLLATE "default";
ALTER TABLE gateway.charge ALTER COLUMN charge_id TYPE text COLLATE "default";
ALTER TABLE payment SET (fillfactor = 70);
