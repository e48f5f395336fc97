-- name: open_shipments!
-- Remember what is about to be booked.
INSERT INTO shipment (order_id, status, country)
SELECT order_id, 'booking', country FROM unnest($1::uuid[], $2::text[]) AS shipment (order_id, country);

-- name: refuse_shipment!
-- No carrier was asked; where it would have gone isn't known (ISO 3166-1 leaves ZZ to its users).
INSERT INTO shipment (order_id, status, country, reason) VALUES ($1, 'rejected', 'ZZ', $2);

-- name: lock_shipment
-- A shipment that nobody else changes meanwhile.
SELECT order_id, status, reason FROM shipment WHERE order_id = $1 FOR UPDATE;

-- name: shipment_of
-- How things stand with an order's parcels.
SELECT order_id, status, reason FROM shipment WHERE order_id = $1;

-- name: set_status!
-- What has become of a shipment, and why.
UPDATE shipment SET status = $2, reason = coalesce($3, reason), changed_at = now() WHERE order_id = $1;

-- name: record_answers!
-- What the carrier answered, and why where it refused; and the parcels that it booked.
WITH booked AS (
    INSERT INTO parcel (order_id, parcel_id, warehouse, carrier, tracking)
    SELECT * FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[])
)
UPDATE shipment SET status = answer.status, reason = answer.reason, changed_at = now()
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS answer (order_id, status, reason)
WHERE shipment.order_id = answer.order_id;

-- name: parcels_of
-- The parcels of an order.
SELECT parcel_id, warehouse, carrier, tracking FROM parcel WHERE order_id = $1 ORDER BY warehouse;

-- name: forget
-- Forget shipments that have ended and not changed for so long: the oldest, at most so many; how many there were. Those
-- that have left are remembered twice as long: while anybody else knows of the order, its cancellation is refused.
WITH old AS MATERIALIZED (
    SELECT order_id FROM shipment
    WHERE opened_at < now() - $1::interval
      AND changed_at < now() - $1::interval * CASE status WHEN 'dispatched' THEN 2 ELSE 1 END
      AND status IN ('rejected', 'cancelled', 'dispatched')
    ORDER BY opened_at LIMIT $2 FOR UPDATE SKIP LOCKED
), parcels AS (
    DELETE FROM parcel USING old WHERE parcel.order_id = old.order_id
), gone AS (
    DELETE FROM shipment USING old WHERE shipment.order_id = old.order_id RETURNING 1
)
SELECT count(*) FROM gone;
