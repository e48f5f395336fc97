-- name: account
-- What an account holds, and whether it is closed; it stays so until the transaction ends.
SELECT name, balance, closed FROM account WHERE name = $1 FOR UPDATE;

-- name: post!
-- Post so much to a customer's account, and the opposite to money in flight.
WITH posting AS (
    INSERT INTO entry (transfer_id, what, account, amount) VALUES ($1, $2, $3, $4), ($1, $2, 'in flight', -$4)
)
UPDATE account SET balance = balance + $4 WHERE name = $3;

-- name: sagas
-- The transfers that have landed.
SELECT transfer_id::text AS saga_id, posted_at AS opened_at FROM entry
WHERE what = 'credit' AND account = 'in flight'
    AND posted_at >= greatest($1, $2::timestamptz) AND ($3::text IS NULL OR transfer_id > $3::uuid)
ORDER BY transfer_id LIMIT $4;

-- name: received
-- How much of these transfers has landed.
SELECT transfer_id::text AS saga_id, (-amount)::text AS entry FROM entry
WHERE transfer_id = ANY ($1::text[]::uuid[]) AND account = 'in flight' AND what = 'credit';

-- name: lopsided
-- Postings that make money, or lose it.
SELECT transfer_id::text AS saga_id, format('%s is off by %s', what, sum(amount)) AS detail
FROM entry GROUP BY transfer_id, what HAVING sum(amount) <> 0;

-- name: misread
-- Accounts whose balance is not the sum of their entries.
SELECT NULL AS saga_id, format('%s: %s, and posted %s', name, balance, posted) AS detail
FROM (
    SELECT name, balance, (SELECT coalesce(sum(amount), 0) FROM entry WHERE entry.account = account.name) AS posted
    FROM account
) AS both_ways
WHERE balance <> posted;
