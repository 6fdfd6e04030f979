CREATE TABLE poll (
  id         INTEGER PRIMARY KEY,
  connection TEXT NOT NULL,
  name       TEXT NOT NULL,
  UNIQUE (connection, name)
);

-- How far a poll has read. value is JSON; only the poll reads it.
CREATE TABLE cursor (
  poll  INTEGER NOT NULL REFERENCES poll (id),
  name  TEXT NOT NULL,
  item  TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (poll, name, item)
) WITHOUT ROWID;

-- The sighting of each polled record. version is incremented by every change
-- of the row; gone is when the record was reported as deleted.
CREATE TABLE sighting (
  id      INTEGER PRIMARY KEY,
  poll    INTEGER NOT NULL REFERENCES poll (id),
  record  TEXT NOT NULL,
  item    TEXT NOT NULL,
  version INTEGER NOT NULL,
  missed  INTEGER NOT NULL,
  gone    INTEGER,
  told    BLOB NOT NULL,
  UNIQUE (poll, record)
);
CREATE INDEX sighting_item ON sighting (poll, item);
CREATE INDEX sighting_gone ON sighting (gone) WHERE gone IS NOT NULL;
