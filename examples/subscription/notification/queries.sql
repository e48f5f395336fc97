-- name: sagas
-- The terms about which somebody got a mail.
SELECT term_id::text AS saga_id, min(sent_at) AS opened_at FROM mail.sent
WHERE sent_at >= greatest($1, $2::timestamptz) AND ($3::text IS NULL OR term_id > $3::uuid)
GROUP BY term_id ORDER BY term_id LIMIT $4;

-- name: sent_twice
-- Terms about which somebody got more than one mail of a kind.
SELECT term_id::text AS saga_id, format('%s times %s', count(*), subject) AS detail
FROM mail.sent GROUP BY term_id, subject HAVING count(*) > 1;
