-- migrate:up
CREATE TABLE account (
    name    text   NOT NULL,
    balance bigint NOT NULL DEFAULT 0,
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

CREATE TABLE transfer (
    id         uuid        NOT NULL,
    sender     text        NOT NULL,
    amount     bigint      NOT NULL,
    status     text        NOT NULL,
    opened_at  timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT transfer_once PRIMARY KEY (id),
    CONSTRAINT transfer_known_status CHECK (status IN ('refused', 'in flight', 'landed', 'reversed'))
);

-- migrate:down
DROP TABLE transfer;
DROP TABLE entry;
DROP TABLE account;
