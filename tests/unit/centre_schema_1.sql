-- The centre's store, version 1. One process writes (it holds centre.lock); any number may read.
-- Bytes as they came are kept for ever; every other column is drawn from them for the eye and the index.

CREATE TABLE event (
    arrival INTEGER PRIMARY KEY,          -- order of commit, not of truth
    box TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
    digest BLOB NOT NULL,                 -- SHA-256 of raw
    site TEXT NOT NULL, class TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL,
    time TEXT NOT NULL, timequality TEXT NOT NULL,
    alarm TEXT, zone TEXT,                -- from data, where it has them
    durable INTEGER NOT NULL,             -- 0: the box had not stored it when it left
    folded INTEGER NOT NULL DEFAULT 0,    -- how often the very same bytes came again
    received_ns INTEGER NOT NULL,         -- our wall clock at the commit, ns since 1970
    raw BLOB NOT NULL
) STRICT;
-- Two rows of one identity differ in their bytes: a conflict, both kept.
CREATE UNIQUE INDEX event_identity ON event (box, epoch, seq, digest);
CREATE INDEX event_alarm ON event (box, alarm) WHERE alarm IS NOT NULL;

CREATE TABLE epoch (
    box TEXT NOT NULL, epoch TEXT NOT NULL,
    ordinal INTEGER,                      -- NULL until a beat or the epoch's first event tells
    head INTEGER NOT NULL DEFAULT 0,      -- highest sequence that the box is known to have made
    reach INTEGER NOT NULL DEFAULT 0,     -- nothing is missing up to here
    PRIMARY KEY (box, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE lost (                       -- ranges that the box has declared gone, in a signed event
    box TEXT NOT NULL, epoch TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (box, epoch, first, last)
) STRICT, WITHOUT ROWID;

CREATE TABLE beat (
    box TEXT PRIMARY KEY, epoch TEXT NOT NULL, ordinal INTEGER NOT NULL, head INTEGER NOT NULL,
    pending INTEGER NOT NULL, time TEXT NOT NULL, received_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE presence (                   -- the last retained state or will; informs, never decides
    box TEXT PRIMARY KEY, online INTEGER NOT NULL, since_ns INTEGER NOT NULL, raw BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE command (
    jti TEXT PRIMARY KEY, box TEXT NOT NULL, name TEXT NOT NULL, alarm TEXT, ticket TEXT,
    operator TEXT NOT NULL, received_ns INTEGER NOT NULL, raw BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX command_alarm ON command (box, alarm) WHERE alarm IS NOT NULL;

CREATE TABLE notice (                     -- the centre's own alarms: conflict, gap
    number INTEGER PRIMARY KEY, code TEXT NOT NULL, box TEXT NOT NULL, text TEXT NOT NULL, at_ns INTEGER NOT NULL,
    UNIQUE (code, box, text)
) STRICT;

CREATE TABLE quarantine (                 -- the last refusals, cut to a sample
    number INTEGER PRIMARY KEY, reason TEXT NOT NULL, topic TEXT NOT NULL, size INTEGER NOT NULL,
    sample BLOB NOT NULL, at_ns INTEGER NOT NULL
) STRICT;
CREATE TABLE refusal (reason TEXT PRIMARY KEY, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;

PRAGMA user_version = 1;
