-- migrate:up
-- Since when there is something to tell of an order: finished ones are forgotten past retention, oldest first.
ALTER TABLE shipment ADD COLUMN opened_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX shipment_by_age ON shipment (opened_at);

-- What a booking is for: so every booking can be held against our parcels, also one that we know nothing of.
ALTER TABLE carrier.booking ADD COLUMN reference uuid;
UPDATE carrier.booking SET reference = parcel.order_id FROM parcel WHERE parcel.tracking = booking.tracking;
CREATE INDEX booking_by_reference ON carrier.booking (reference);

-- migrate:down
DROP INDEX carrier.booking_by_reference;
ALTER TABLE carrier.booking DROP COLUMN reference;
DROP INDEX shipment_by_age;
ALTER TABLE shipment DROP COLUMN opened_at;
