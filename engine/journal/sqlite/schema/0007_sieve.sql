-- Ids are stored in parts, in the order of acceptance. Ids of vendors are in no
-- order: in one index a new one would change a page among all the old ones.
CREATE TABLE known (
  part  INTEGER NOT NULL,
  id    TEXT NOT NULL,
  event INTEGER NOT NULL,
  PRIMARY KEY (part, id)
) WITHOUT ROWID;
INSERT INTO known SELECT (row_number() OVER (ORDER BY event) - 1) / 4096, id, event FROM seen;
DROP TABLE seen;
ALTER TABLE known RENAME TO seen;

-- The bloom filter of each full part, and the newest event in the part.
CREATE TABLE sieve (
  part   INTEGER PRIMARY KEY,
  newest INTEGER NOT NULL,
  bits   BLOB NOT NULL
);
