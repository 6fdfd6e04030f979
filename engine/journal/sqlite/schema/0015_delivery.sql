-- The calls whose arguments had the id of an approval: only an answer that comes
-- from there decides it.
CREATE TABLE delivery (
  approval   TEXT NOT NULL,
  run        INTEGER NOT NULL, -- of the call
  step       INTEGER NOT NULL,
  connection TEXT NOT NULL,
  message    BLOB, -- the names of the message in JSON; NULL: none is known
  PRIMARY KEY (approval, run, step)
) WITHOUT ROWID;
