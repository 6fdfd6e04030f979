-- Ids stand in parts, in the order in which they came: vendors' ids are in no
-- order, and a new one would else change a page somewhere among all old ones.
CREATE TABLE known (
  part  INTEGER NOT NULL,
  id    TEXT NOT NULL,
  event INTEGER NOT NULL,
  PRIMARY KEY (part, id)
) WITHOUT ROWID;
INSERT INTO known SELECT (row_number() OVER (ORDER BY event) - 1) / 4096, id, event FROM seen;
DROP TABLE seen;
ALTER TABLE known RENAME TO seen;

-- Of each part that is full: the newest event in it, and the bits that tell
-- which ids are not in it.
CREATE TABLE sieve (
  part   INTEGER PRIMARY KEY,
  newest INTEGER NOT NULL,
  bits   BLOB NOT NULL
);
