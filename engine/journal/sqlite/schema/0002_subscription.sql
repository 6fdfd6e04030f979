-- Webhooks registered at vendors. data is JSON: what is known of each differs
-- by vendor, and all are read together.
CREATE TABLE subscription (
  key  TEXT PRIMARY KEY,
  data BLOB NOT NULL
) WITHOUT ROWID;
