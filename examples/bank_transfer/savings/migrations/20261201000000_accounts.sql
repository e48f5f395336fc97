-- migrate:up
CREATE TABLE account (
    name    text    NOT NULL,
    balance bigint  NOT NULL DEFAULT 0,
    closed  boolean NOT NULL DEFAULT false,
    CONSTRAINT account_once PRIMARY KEY (name),
    CONSTRAINT account_not_overdrawn CHECK (balance >= 0)
);

-- Each posting has two entries that add up to nothing: double entry. Money in flight, and in the vault, is an account.
CREATE TABLE entry (
    transfer_id uuid        NOT NULL,
    what        text        NOT NULL,
    account     text        NOT NULL,
    amount      bigint      NOT NULL,
    posted_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT entry_once_per_posting PRIMARY KEY (transfer_id, what, account)
);
CREATE INDEX entry_by_account ON entry (account) INCLUDE (amount);

-- migrate:down
DROP TABLE entry;
DROP TABLE account;
