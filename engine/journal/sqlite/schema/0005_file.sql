-- The files that runs have, by hash. Their content stands beside this file.
CREATE TABLE file (
  run  INTEGER NOT NULL REFERENCES run (seq),
  hash TEXT NOT NULL,
  PRIMARY KEY (run, hash)
) WITHOUT ROWID;
CREATE INDEX file_hash ON file (hash);
