-- Deferred events: they may be echoes of a call that has no answer yet. Until
-- the answer they begin no run. hooks is JSON: the runs that they would begin,
-- and what they report.
CREATE TABLE doubt (
  event  INTEGER PRIMARY KEY REFERENCES event (seq),
  run    INTEGER NOT NULL,
  number INTEGER NOT NULL,
  hooks  BLOB NOT NULL
);
CREATE INDEX doubt_step ON doubt (run, number);
