-- The live version of each script.
CREATE TABLE live (
  script  TEXT PRIMARY KEY,
  version INTEGER NOT NULL REFERENCES version (id)
) WITHOUT ROWID;
