-- migrate:up
-- Since when there is something to tell of an order: finished ones are forgotten past retention, oldest first.
ALTER TABLE payment ADD COLUMN opened_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX payment_by_age ON payment (opened_at);
-- Since when the order can no longer be undone: until then captured money may have to go back, and is not forgotten.
ALTER TABLE payment ADD COLUMN closed_at timestamptz;

-- What a charge is for, as gateways keep it for their customers' bookkeeping (Stripe calls it metadata): so every
-- charge can be held against the ledger, also one that the ledger knows nothing of.
ALTER TABLE gateway.charge ADD COLUMN reference uuid;
UPDATE gateway.charge SET reference = payment.order_id FROM payment WHERE payment.charge_id = charge.charge_id;
CREATE INDEX charge_by_reference ON gateway.charge (reference);
CREATE INDEX refund_by_charge ON gateway.refund (charge_id);

-- migrate:down
DROP INDEX gateway.refund_by_charge;
DROP INDEX gateway.charge_by_reference;
ALTER TABLE gateway.charge DROP COLUMN reference;
DROP INDEX payment_by_age;
ALTER TABLE payment DROP COLUMN closed_at;
ALTER TABLE payment DROP COLUMN opened_at;
