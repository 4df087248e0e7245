-- The rows of each class that still wait, oldest first: quotas count and evict by this index alone.
DROP INDEX waiting;
CREATE INDEX waiting ON event (event_class, ordinal, seq) WHERE received_at IS NULL;
-- In the order of their receipts: what was received first may go first.
CREATE INDEX received ON event (received_at) WHERE received_at IS NOT NULL;
