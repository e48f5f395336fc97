-- migrate:up
CREATE TABLE offer (
    city    text    NOT NULL,
    seats   integer NOT NULL,
    taken   integer NOT NULL DEFAULT 0,
    CONSTRAINT offer_once_per_city PRIMARY KEY (city),
    CONSTRAINT offer_not_overbooked CHECK (taken BETWEEN 0 AND seats)
);

CREATE TABLE booking (
    trip_id    uuid        NOT NULL,
    number     integer     GENERATED ALWAYS AS IDENTITY,
    city       text        NOT NULL,
    cancelled  boolean     NOT NULL DEFAULT false,
    opened_at  timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT booking_once_per_trip PRIMARY KEY (trip_id),
    CONSTRAINT booking_of_an_offer FOREIGN KEY (city) REFERENCES offer
);

-- migrate:down
DROP TABLE booking;
DROP TABLE offer;
