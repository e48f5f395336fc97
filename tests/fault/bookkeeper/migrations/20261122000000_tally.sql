-- migrate:up
CREATE TABLE tally (
    saga_id text NOT NULL,
    type    text NOT NULL,
    times   int  NOT NULL,
    CONSTRAINT tally_of_saga_and_type PRIMARY KEY (saga_id, type)
);

-- migrate:down
DROP TABLE tally;
