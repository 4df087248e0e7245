-- One row per start of alarm; the ordinal orders epochs, since epochs themselves are random.
CREATE TABLE epoch (
    ordinal INTEGER PRIMARY KEY,
    epoch   TEXT NOT NULL UNIQUE
);
-- The frozen bytes of every event, and whether the centre's receipt covers them. Nothing ever changes `raw`.
CREATE TABLE event (
    ordinal     INTEGER NOT NULL REFERENCES epoch (ordinal),
    seq         INTEGER NOT NULL,
    event_class TEXT    NOT NULL,
    shown       INTEGER NOT NULL, -- the lamp follows its delivery
    digest      BLOB    NOT NULL, -- SHA-256 of raw
    raw         BLOB    NOT NULL,
    received_at TEXT,             -- the receipt's own time; NULL while it waits
    receiver    TEXT,             -- who said "received"
    PRIMARY KEY (ordinal, seq)
) WITHOUT ROWID;
CREATE INDEX waiting ON event (ordinal, seq) WHERE received_at IS NULL;
-- What the next start must know: zones last recorded stuck, siren-on marks, last receiver.
CREATE TABLE note (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
