-- Times are microseconds since 1970 in UTC. JSON is stored unchanged.
-- Rows of events and runs are numbered by the time of their acceptance, so
-- that "newest first" and "since" are ranges of the primary key.

-- One row: the epoch of the owner, incremented at each opening, and the digits
-- that end the ids of runs.
CREATE TABLE store (
  one   INTEGER PRIMARY KEY CHECK (one = 1),
  owner INTEGER NOT NULL,
  salt  INTEGER NOT NULL
);

-- Ids of accepted events. They are in a table of their own because they are
-- deleted later than the events.
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

-- A version that a hook named but whose sources were not stored has its hash only.
CREATE TABLE version (
  id      INTEGER PRIMARY KEY,
  hash    TEXT NOT NULL UNIQUE,
  script  TEXT NOT NULL DEFAULT '',
  main    TEXT NOT NULL DEFAULT '',
  sources BLOB,
  params  BLOB,
  awaits  BLOB,
  created INTEGER
);

-- state: 0 queued, 1 running, 2 retrying, 3 throttled, 4 held, 5 blocked,
-- 6 queued later, 7 waiting, 8 succeeded, 9 failed, 10 cancelled, 11 skipped.
-- Up to 5 a run has its place in its lane, up to 7 it is live. A row is queued
-- until the first write of its run: a run that was leased and has no record
-- has not begun.
CREATE TABLE run (
  seq      INTEGER PRIMARY KEY,
  event    INTEGER NOT NULL REFERENCES event (seq),
  hook     INTEGER NOT NULL REFERENCES hook (id),
  matched  INTEGER NOT NULL REFERENCES version (id),
  bound    INTEGER REFERENCES version (id),
  resolved TEXT, -- connections and settings at the time when it was bound, as JSON
  lane     TEXT NOT NULL,
  place    INTEGER NOT NULL, -- in the lane; grows as seq does
  merging  INTEGER NOT NULL, -- 1: events merge into it until its first activation
  overlap  INTEGER NOT NULL, -- with those of its lane: 0 queue, 1 skip, 2 replace, 3 parallel
  state    INTEGER NOT NULL,
  epoch    INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  steps    INTEGER NOT NULL, -- counted when the run ends
  executed INTEGER NOT NULL, -- nanoseconds, of ended activations
  created  INTEGER NOT NULL,
  started  INTEGER,
  finished INTEGER,
  parked   INTEGER, -- since when it is parked
  wake     INTEGER, -- when a timer wakes it
  park     BLOB,    -- what else wakes it
  problem  BLOB
);
CREATE INDEX run_event ON run (event);
CREATE INDEX run_hook ON run (hook, state);
CREATE INDEX run_state ON run (state);
CREATE INDEX run_lane ON run (hook, lane) WHERE state < 8 AND lane <> '';
CREATE INDEX run_wake ON run (wake) WHERE wake IS NOT NULL;

-- Events that a newer one replaced before their run began.
CREATE TABLE merged (
  event INTEGER PRIMARY KEY REFERENCES event (seq),
  run   INTEGER NOT NULL REFERENCES run (seq)
);
CREATE INDEX merged_run ON merged (run);

-- What waiting runs wait for, by trigger and by the class of the value at one
-- path of their where. For approvals the trigger is "approval".
CREATE TABLE await (
  trigger TEXT NOT NULL,
  path    TEXT NOT NULL,
  class   TEXT NOT NULL,
  run     INTEGER NOT NULL REFERENCES run (seq),
  PRIMARY KEY (trigger, path, class, run)
) WITHOUT ROWID;
CREATE INDEX await_run ON await (run);

-- The last value of the field that a hook watches.
CREATE TABLE changed (
  hook       INTEGER NOT NULL REFERENCES hook (id),
  connection TEXT NOT NULL,
  record     TEXT NOT NULL,
  value      BLOB,
  PRIMARY KEY (hook, connection, record)
) WITHOUT ROWID;

-- state: 0 begun, 1 done, 2 failed. An integer in args, result or sent is the
-- id of a row in the table large.
CREATE TABLE step (
  run      INTEGER NOT NULL REFERENCES run (seq),
  number   INTEGER NOT NULL,
  name     TEXT NOT NULL,
  state    INTEGER NOT NULL,
  args     BLOB,
  hash     TEXT NOT NULL,
  result   BLOB,
  error    BLOB,
  sent     BLOB,
  event    TEXT, -- id of the event that ended a wait
  position TEXT NOT NULL,
  started  INTEGER,
  took     INTEGER NOT NULL, -- nanoseconds
  attempts INTEGER NOT NULL
);
CREATE UNIQUE INDEX step_number ON step (run, number);

-- Large values, compressed.
CREATE TABLE large (
  id   INTEGER PRIMARY KEY,
  data BLOB NOT NULL
);

CREATE TABLE approval (
  id      TEXT PRIMARY KEY,
  run     INTEGER NOT NULL REFERENCES run (seq),
  step    INTEGER NOT NULL,
  title   TEXT NOT NULL,
  text    TEXT NOT NULL,
  choices BLOB NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER,
  choice  TEXT, -- NULL until somebody has decided
  by      TEXT,
  note    TEXT,
  decided INTEGER
) WITHOUT ROWID;
CREATE INDEX approval_run ON approval (run);
CREATE INDEX approval_open ON approval (created) WHERE choice IS NULL;

-- What scripts store with state.put.
CREATE TABLE state (
  script TEXT NOT NULL,
  key    TEXT NOT NULL,
  value  BLOB NOT NULL, -- an integer is the id of a row in the table large
  PRIMARY KEY (script, key)
) WITHOUT ROWID;

-- Links between records, each in two rows, one for each direction.
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
