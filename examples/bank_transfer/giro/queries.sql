-- name: lock_balance
-- What a customer's account holds; it stays so until the transaction ends.
SELECT balance FROM account WHERE name = $1 FOR UPDATE;

-- name: open_transfer!
-- Remember a transfer whose money has left.
INSERT INTO transfer (id, sender, amount, status) VALUES ($1, $2, $3, 'in flight');

-- name: note_refusal!
-- Remember a transfer whose money has never left.
INSERT INTO transfer (id, sender, amount, status) VALUES ($1, $2, 0, 'refused');

-- name: reverse_transfer
-- Remember that the money of a transfer comes back; from where it came, and how much.
UPDATE transfer SET status = 'reversed', changed_at = now() WHERE id = $1 AND status = 'in flight'
RETURNING sender, amount;

-- name: note_landing!
-- Remember that the money of a transfer has landed.
UPDATE transfer SET status = 'landed', changed_at = now() WHERE id = $1 AND status = 'in flight';

-- name: post!
-- Post so much to a customer's account, and the opposite to money in flight.
WITH posting AS (
    INSERT INTO entry (transfer_id, what, account, amount) VALUES ($1, $2, $3, $4), ($1, $2, 'in flight', -$4)
)
UPDATE account SET balance = balance + $4 WHERE name = $3;

-- name: transfer
-- How a transfer stands.
SELECT id::text AS transfer_id, sender, amount, status FROM transfer WHERE id = $1;

-- name: account
-- What an account holds.
SELECT name, balance FROM account WHERE name = $1;

-- name: sagas
-- The transfers that there are.
SELECT id::text AS saga_id, opened_at FROM transfer
WHERE opened_at >= $1 AND changed_at >= $2 AND ($3::text IS NULL OR id > $3::uuid)
ORDER BY id LIMIT $4;

-- name: sent
-- How much of these transfers has gone to the other bank; null while it is in flight.
SELECT id::text AS saga_id,
       CASE status WHEN 'landed' THEN amount::text WHEN 'in flight' THEN NULL ELSE '0' END AS entry
FROM transfer WHERE id = ANY ($1::text[]::uuid[]);

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
