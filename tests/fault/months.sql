-- name: fulfilled
-- How many of these orders are fulfilled.
SELECT count(*) FROM customer_order WHERE order_id = ANY ($1::uuid[]) AND status = 'fulfilled';

-- name: ended
-- How many of these orders have come to their end: wholly undone, or off the shelves.
SELECT count(*) FROM customer_order WHERE order_id = ANY ($1::uuid[])
  AND (status IN ('rejected', 'cancelled') OR 'stock.deducted.v1' = ANY (heard));

-- name: has_forgotten
-- Whether nothing is left of what is past retention.
SELECT NOT EXISTS (SELECT FROM saga.fence WHERE entered_at < now() - $1::interval);

-- name: partitions
-- The days for which there is a partition.
SELECT count(*) FROM pg_inherits WHERE inhparent = 'saga.inbox'::regclass;

-- name: tables
-- The tables of the runtime and of the service.
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
WHERE schemaname IN ('saga', 'public') AND tablename !~ '^(inbox|said)_' ORDER BY name;

-- name: size
-- What they take up, in bytes.
SELECT sum(pg_total_relation_size(pg_class.oid)) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname IN ('saga', 'public') AND relkind = 'r';

-- name: size_of_catalogs
-- What the database's own tables take up, in bytes.
SELECT sum(pg_total_relation_size(pg_class.oid)) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'pg_catalog' AND relkind = 'r';
