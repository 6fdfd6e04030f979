-- The HTTP request of an event of a script's own address, as JSON.
ALTER TABLE event ADD COLUMN request BLOB;

-- The files of these requests, by hash. Their content is in the folder files.
CREATE TABLE event_file (
  event INTEGER NOT NULL REFERENCES event (seq),
  hash  TEXT NOT NULL,
  PRIMARY KEY (event, hash)
) WITHOUT ROWID;
CREATE INDEX event_file_hash ON event_file (hash);
