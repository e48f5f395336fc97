-- migrate:up
-- Every row changes soon after it was written. Where its page has room, that touches no index; the rows are small.
ALTER TABLE shipment SET (fillfactor = 45);

ALTER TABLE parcel ALTER COLUMN parcel_id TYPE text COLLATE "C";
ALTER TABLE carrier.booking ALTER COLUMN tracking TYPE text COLLATE "C";

-- migrate:down
ALTER TABLE carrier.booking ALTER COLUMN tracking TYPE text COLLATE "default";
ALTER TABLE parcel ALTER COLUMN parcel_id TYPE text COLLATE "default";
ALTER TABLE shipment SET (fillfactor = 70);
