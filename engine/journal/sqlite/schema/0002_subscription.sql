-- Webhooks registered at vendors. data is JSON, because its fields differ by
-- vendor and all rows are read together.
CREATE TABLE subscription (
  key  TEXT PRIMARY KEY,
  data BLOB NOT NULL
) WITHOUT ROWID;
