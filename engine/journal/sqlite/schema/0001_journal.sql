-- Times are microseconds since 1970 in UTC. JSON is kept as it came.
-- Rows of events and runs are numbered by the time of their acceptance, so
-- that newest first and "since" are walks of the primary key.

-- What the file as a whole remembers: the epoch of its owner, raised at each
-- opening, and the digits that end its run ids.
CREATE TABLE store (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  owner INTEGER NOT NULL,
  salt  INTEGER NOT NULL
);

-- Ids of events that were kept. They outlive the events, which is why they
-- stand in a table of their own.
CREATE TABLE seen (
  id    TEXT PRIMARY KEY,
  event INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE event (
  seq        INTEGER PRIMARY KEY,
  id         TEXT NOT NULL,
  type       TEXT NOT NULL,
  connection TEXT NOT NULL,
  account    TEXT NOT NULL,
  source     TEXT NOT NULL,
  record     TEXT NOT NULL,
  echo       INTEGER NOT NULL,
  time       INTEGER,
  received   INTEGER NOT NULL,
  data       BLOB
);
CREATE INDEX event_type ON event (type);

CREATE TABLE hook (
  id     INTEGER PRIMARY KEY,
  script TEXT NOT NULL,
  name   TEXT NOT NULL,
  tick   INTEGER, -- of a schedule: its last
  UNIQUE (script, name)
);

-- A version that a hook named but whose sources were not kept has its hash only.
CREATE TABLE version (
  id      INTEGER PRIMARY KEY,
  hash    TEXT NOT NULL UNIQUE,
  script  TEXT NOT NULL DEFAULT '',
  main    TEXT NOT NULL DEFAULT '',
  sources BLOB,
  params  BLOB,
  created INTEGER
);

-- state: 0 queued, 1 running, 2 succeeded, 3 failed, 4 cancelled, 5 skipped,
-- 6 interrupted. A row is queued until the first write of its run: what was
-- handed out and left no record is as if it had not begun.
CREATE TABLE run (
  seq      INTEGER PRIMARY KEY,
  event    INTEGER NOT NULL REFERENCES event (seq),
  hook     INTEGER NOT NULL REFERENCES hook (id),
  matched  INTEGER NOT NULL REFERENCES version (id),
  bound    INTEGER REFERENCES version (id),
  lane     TEXT NOT NULL,
  state    INTEGER NOT NULL,
  epoch    INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  steps    INTEGER NOT NULL, -- counted when the run ends
  created  INTEGER NOT NULL,
  started  INTEGER,
  finished INTEGER,
  problem  BLOB
);
CREATE INDEX run_event ON run (event);
CREATE INDEX run_hook ON run (hook);
CREATE INDEX run_live ON run (seq) WHERE state < 2;
CREATE INDEX run_trouble ON run (state) WHERE state > 2;

-- state: 0 begun, 1 done, 2 failed.
CREATE TABLE step (
  run      INTEGER NOT NULL REFERENCES run (seq),
  number   INTEGER NOT NULL,
  name     TEXT NOT NULL,
  state    INTEGER NOT NULL,
  args     BLOB,
  result   BLOB,
  error    BLOB,
  position TEXT NOT NULL,
  started  INTEGER,
  took     INTEGER NOT NULL, -- nanoseconds
  attempts INTEGER NOT NULL
);
CREATE UNIQUE INDEX step_number ON step (run, number);

-- What scripts keep.
CREATE TABLE state (
  script TEXT NOT NULL,
  key    TEXT NOT NULL,
  value  BLOB NOT NULL,
  PRIMARY KEY (script, key)
) WITHOUT ROWID;

-- Links between records, each kept twice so that both ends find it.
CREATE TABLE link (
  kind     TEXT NOT NULL,
  account  TEXT NOT NULL,
  id       TEXT NOT NULL,
  kind2    TEXT NOT NULL,
  account2 TEXT NOT NULL,
  id2      TEXT NOT NULL,
  made     INTEGER NOT NULL, -- grows with each link; the newest counts
  PRIMARY KEY (kind, account, id, kind2, account2, id2)
) WITHOUT ROWID;
