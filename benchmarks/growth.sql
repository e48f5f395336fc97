-- What $1 orders, spread evenly over the retention of 90 days, have left behind: fulfilled, dispatched and closed. The same
-- order has the same id in every database. An inbox remembers 30 days, what was said is kept for two.

-- name: order!
WITH old AS MATERIALIZED (SELECT * FROM pg_temp.old($1)), heard AS (
    INSERT INTO saga.inbox (day, source, id, handled_at)
    SELECT (at AT TIME ZONE 'UTC')::date, source, id || source, at
    FROM old, unnest(ARRAY['till', 'inventory', 'payment', 'shipping', 'shipping ', 'inventory ']) AS source
    WHERE at > now() - interval '29 days'
)
INSERT INTO customer_order (order_id, status, heard, details, amount, seen_at, changed_at)
SELECT id, 'fulfilled',
    '{order.placed.v1,payment.captured.v1,shipment.dispatched.v1,shipment.scheduled.v1,stock.deducted.v1,stock.reserved.v1}',
    jsonb_build_object(
        'order_id', id, 'customer_id', 'c-1', 'currency', 'EUR', 'payment_method', 'pm_card_visa',
        'lines', '[{"sku": "CHAIR", "quantity": 1, "unit_price": 4990}]'::jsonb,
        'ship_to', '{"name": "Ada Lovelace", "street": "12 St James''s Square", "city": "London", "country": "GB"}'::jsonb),
    4990, at, at
FROM old;

-- name: inventory!
WITH old AS MATERIALIZED (SELECT * FROM pg_temp.old($1)), heard AS (
    INSERT INTO saga.inbox (day, source, id, handled_at)
    SELECT (at AT TIME ZONE 'UTC')::date, source, id || source, at FROM old, unnest(ARRAY['till', 'shipping']) AS source
    WHERE at > now() - interval '29 days'
), fenced AS (
    INSERT INTO saga.fence (saga_id, step, state, entered_at)
    SELECT id::text, step, 'done', at FROM old, unnest(ARRAY['reserve_stock', 'deduct_stock']) AS step
), said AS (
    INSERT INTO saga.said (id, exchange, routing_key, saga_id, body, said_at)
    SELECT gen_random_uuid(), 'inventory', 'stock.reserved.v1', id::text, convert_to(repeat('x', 1000), 'UTF8'), at
    FROM old, generate_series(1, 2) WHERE at > now() - interval '1 day'
), held AS (
    INSERT INTO reservation_line (order_id, sku, warehouse, quantity) SELECT id, 'CHAIR', 'berlin', 1 FROM old
)
INSERT INTO reservation (order_id, status, opened_at, changed_at) SELECT id, 'deducted', at, at FROM old;

-- name: payment!
WITH old AS MATERIALIZED (SELECT * FROM pg_temp.old($1)), heard AS (
    INSERT INTO saga.inbox (day, source, id, handled_at)
    SELECT (at AT TIME ZONE 'UTC')::date, source, id || source, at FROM old, unnest(ARRAY['inventory', 'shipping']) AS source
    WHERE at > now() - interval '29 days'
), fenced AS (
    INSERT INTO saga.fence (saga_id, step, state, entered_at) SELECT id::text, 'capture_payment', 'done', at FROM old
), said AS (
    INSERT INTO saga.said (id, exchange, routing_key, saga_id, body, said_at)
    SELECT gen_random_uuid(), 'payment', 'payment.captured.v1', id::text, convert_to(repeat('x', 1000), 'UTF8'), at
    FROM old WHERE at > now() - interval '1 day'
), charged AS (
    INSERT INTO gateway.charge (idempotency_key, charge_id, amount, currency, reference, made_at, changed_at)
    SELECT id, 'ch_' || id, 4990, 'EUR', id, at, at FROM old
)
INSERT INTO payment (order_id, payment_id, status, amount, currency, captured, charge_id, opened_at, changed_at, closed_at)
SELECT id, 'pay_' || id, 'captured', 4990, 'EUR', 4990, 'ch_' || id, at, at, at FROM old;

-- name: shipping!
WITH old AS MATERIALIZED (SELECT * FROM pg_temp.old($1)), heard AS (
    INSERT INTO saga.inbox (day, source, id, handled_at)
    SELECT (at AT TIME ZONE 'UTC')::date, 'payment', id || 'payment', at FROM old WHERE at > now() - interval '29 days'
), fenced AS (
    INSERT INTO saga.fence (saga_id, step, state, entered_at)
    SELECT id::text, step, 'done', at FROM old, unnest(ARRAY['schedule_shipment', 'dispatch_shipment']) AS step
), said AS (
    INSERT INTO saga.said (id, exchange, routing_key, saga_id, body, said_at)
    SELECT gen_random_uuid(), 'shipping', 'shipment.scheduled.v1', id::text, convert_to(repeat('x', 1000), 'UTF8'), at
    FROM old, generate_series(1, 2) WHERE at > now() - interval '1 day'
), booked AS (
    INSERT INTO carrier.booking (idempotency_key, tracking, reference, made_at, changed_at)
    SELECT id, 'SIM' || id, id, at, at FROM old
), packed AS (
    INSERT INTO parcel (parcel_id, order_id, warehouse, carrier, tracking)
    SELECT 'parcel_' || id, id, 'berlin', 'simulated', 'SIM' || id FROM old
)
INSERT INTO shipment (order_id, status, country, opened_at, changed_at) SELECT id, 'dispatched', 'GB', at, at FROM old;

-- name: make_old!
-- Ids of old orders as our own door makes them, UUIDv7 (https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7), from the
-- oldest; and when each was placed.
CREATE FUNCTION pg_temp.old(orders integer) RETURNS TABLE (id uuid, at timestamptz) LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || '7' || left(md5(n::text), 3) || '8' || right(md5(n::text), 15))::uuid, at
    FROM generate_series(1, orders) AS n,
        LATERAL (SELECT date_trunc('day', now()) - interval '90 days' * (orders - n) / orders AS at) AS placed
    ORDER BY n
$$;

-- name: make_days!
-- Partitions of the inbox for the days that housekeeping has made as they came, and not yet dropped.
DO $$
DECLARE
    day date;
BEGIN
    FOR day IN SELECT (now() AT TIME ZONE 'UTC')::date - back FROM generate_series(3, 30) AS back LOOP
        EXECUTE format(
            'CREATE TABLE saga.%I PARTITION OF saga.inbox FOR VALUES FROM (%L) TO (%L)',
            'inbox_' || to_char(day, 'YYYYMMDD'), day, day + 1);
    END LOOP;
END $$;
