-- What our own calls wrote to records at vendors, to recognize their echoes.
-- During a call run and number are those of its step. After it both are 0, and
-- there is one row a record.
CREATE TABLE written (
  connection TEXT NOT NULL,
  noun       TEXT NOT NULL,
  record     TEXT NOT NULL, -- '' until the vendor has assigned an id
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
