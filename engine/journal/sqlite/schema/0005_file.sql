-- The files that runs use, by hash. Their content is in the folder files.
CREATE TABLE file (
  run  INTEGER NOT NULL REFERENCES run (seq),
  hash TEXT NOT NULL,
  PRIMARY KEY (run, hash)
) WITHOUT ROWID;
CREATE INDEX file_hash ON file (hash);
