-- What calls of ours made of records at vendors, so that the events which bring
-- it back are known as echoes. While a call is under way run and number name
-- its step; of one that is done both are 0, and there is one row a record.
CREATE TABLE written (
  connection TEXT NOT NULL,
  noun       TEXT NOT NULL,
  record     TEXT NOT NULL, -- '' while the vendor is still to give it an id
  run        INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  gone       INTEGER NOT NULL,
  at         INTEGER NOT NULL,
  rule       TEXT NOT NULL, -- how to compare it, as JSON
  data       BLOB,
  PRIMARY KEY (connection, noun, record, run, number)
) WITHOUT ROWID;
CREATE INDEX written_step ON written (run, number) WHERE run <> 0;
CREATE INDEX written_at ON written (at);
